/**
 * A Java agent that does nothing. LocalStack starts DynamoDB Local with one of its own,
 * which raises the number of indexes a table may have; we need two.
 */
public final class Nothing {
  public static void premain(String arguments) {}
}
