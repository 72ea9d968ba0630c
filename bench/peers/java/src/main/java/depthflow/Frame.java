package depthflow;

/** One raw record: its key (venue:symbol), and its envelope as JSON. */
public class Frame {
  public String key;
  public byte[] envelope;

  public Frame() {}

  public Frame(String key, byte[] envelope) {
    this.key = key;
    this.envelope = envelope;
  }
}
