package depthflow;

import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/** A record as JSON. */
public class ProcessedJson implements SerializationSchema<Processed> {
  private transient ObjectMapper mapper;

  @Override
  public void open(InitializationContext context) {
    mapper = new ObjectMapper();
  }

  @Override
  public byte[] serialize(Processed record) {
    try {
      return mapper.writeValueAsBytes(record);
    } catch (JsonProcessingException error) {
      throw new IllegalStateException(error);
    }
  }
}
