package depthflow;

import java.io.IOException;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Keeps one book for each key in sync by update ids, and emits a record for each update. */
public class Books extends KeyedProcessFunction<String, Frame, Processed> {
  private transient ObjectMapper mapper;
  private transient ValueState<Book> books;

  @Override
  public void open(OpenContext context) {
    mapper = new ObjectMapper();
    books = getRuntimeContext().getState(new ValueStateDescriptor<>("book", Book.class));
  }

  @Override
  public void processElement(Frame value, Context context, Collector<Processed> out) throws IOException {
    JsonNode envelope = mapper.readTree(value.envelope);
    JsonNode frame = envelope.get("frame");
    if (frame == null) {
      return;
    }
    Book book = books.value();
    if (book == null) {
      book = new Book();
    }
    String symbol = envelope.get("symbol").textValue();
    long received = envelope.get("recv_us").longValue();
    if (envelope.get("channel").textValue().equals("snapshot")) {
      book.install(frame);
      for (Update update : book.takePending()) {
        if (book.apply(update)) {
          out.collect(book.measure(symbol, update));
        }
      }
    } else {
      Update update = Update.of(frame.get("data"), received);
      if (book.apply(update)) {
        out.collect(book.measure(symbol, update));
      }
    }
    books.update(book);
  }
}
