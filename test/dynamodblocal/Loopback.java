import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local in memory, on one address. The vendor's own main class binds every
 * interface, has no option against it, and reports its use to the vendor; this one puts the
 * same handlers behind a connector of its own and sets up no telemetry.
 *
 * <p>It takes a port (0: any free one) and an address of this machine, prints the port when
 * it serves, and ends when its standard input does, so that it never outlives the process
 * that started it. LocalStack, which takes it for the vendor's, says `-port` and things that
 * are so anyway, and ends it by a signal.
 */
public final class Loopback {
  public static void main(String[] args) throws Exception {
    boolean underLocalStack = args[0].equals("-port");
    int port = Integer.parseInt(args[underLocalStack ? 1 : 0]);
    String address = underLocalStack ? "127.0.0.1" : args[1];
    boolean inMemory = true;
    boolean oneDatabase = true; // whatever region and credentials a client names
    boolean slowStatusChanges = false;
    var requests = new LocalDynamoDBRequestHandler(0, inMemory, null, oneDatabase, slowStatusChanges);

    var server = new Server();
    var connector = new ServerConnector(server);
    connector.setHost(address);
    connector.setPort(port);
    server.addConnector(connector);
    server.setHandler(new LocalDynamoDBServerHandler(requests, null));
    server.start();
    System.out.println(connector.getLocalPort());

    if (underLocalStack) {
      server.join();
    }
    while (System.in.read() >= 0) {}
    System.exit(0);
  }
}
