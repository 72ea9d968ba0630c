package depthflow;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.util.Collector;

/** Key and value of a record. */
public class FrameDeserializer implements KafkaRecordDeserializationSchema<Frame> {
  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Frame> out) {
    out.collect(new Frame(new String(record.key(), UTF_8), record.value()));
  }

  @Override
  public TypeInformation<Frame> getProducedType() {
    return TypeInformation.of(Frame.class);
  }
}
