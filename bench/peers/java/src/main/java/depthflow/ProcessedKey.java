package depthflow;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.flink.api.common.serialization.SerializationSchema;

/** The key of a record: venue:symbol. */
public class ProcessedKey implements SerializationSchema<Processed> {
  @Override
  public byte[] serialize(Processed record) {
    return (record.venue + ":" + record.symbol).getBytes(UTF_8);
  }
}
