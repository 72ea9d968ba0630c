package depthflow;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Raw frames of Binance spot to books and processed records: a record a call, Jackson, TreeMap, heap state. */
public final class BooksJob {
  private BooksJob() {}

  /** Arguments: bootstrap servers, source topic, sink topic, job name, transaction timeout in ms. */
  public static void main(String[] args) throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    KafkaSource<Frame> source =
        KafkaSource.<Frame>builder()
            .setBootstrapServers(args[0])
            .setTopics(args[1])
            .setGroupId(args[3])
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(new FrameDeserializer())
            .build();
    KafkaSink<Processed> sink =
        KafkaSink.<Processed>builder()
            .setBootstrapServers(args[0])
            .setRecordSerializer(
                KafkaRecordSerializationSchema.<Processed>builder()
                    .setTopic(args[2])
                    .setKeySerializationSchema(new ProcessedKey())
                    .setValueSerializationSchema(new ProcessedJson())
                    .build())
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(args[3])
            .setProperty("transaction.timeout.ms", args[4])
            .setProperty("compression.type", "lz4")
            .setProperty("linger.ms", "5")
            .setProperty("batch.size", "262144")
            .build();
    environment
        .fromSource(source, WatermarkStrategy.noWatermarks(), "frames")
        .keyBy(frame -> frame.key, Types.STRING)
        .process(new Books())
        .sinkTo(sink);
    environment.execute(args[3]);
  }
}
