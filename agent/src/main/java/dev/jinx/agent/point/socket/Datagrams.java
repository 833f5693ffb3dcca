package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.ClassHooks;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import java.util.List;

/**
 * Datagrams: {@code DatagramChannel}, and {@code DatagramSocket} and {@code MulticastSocket}, which
 * stand on one. Each datagram is decided on by itself. All that is sent is led through one method,
 * all that comes through another, deep enough that the caller's own time limit goes on above it.
 */
public final class Datagrams implements Point {
  private static final long BITS = Operation.DATAGRAM_SEND.bit() | Operation.DATAGRAM_RECEIVE.bit();

  private final DatagramLines lines;
  private final DatagramSend send;
  private final DatagramReceive receive;

  public Datagrams(Armory armory, Access access, Exceptions exceptions) {
    lines = new DatagramLines(armory);
    send = new DatagramSend(armory, exceptions, lines);
    receive = new DatagramReceive(armory, access, exceptions, lines);
  }

  @Override
  public List<ClassHooks> classes() {
    DatagramReceive.Timed timed = new DatagramReceive.Timed();
    ConnectedDatagrams read = new ConnectedDatagrams(Operation.DATAGRAM_RECEIVE, receive);
    ConnectedDatagrams write = new ConnectedDatagrams(Operation.DATAGRAM_SEND, send);
    return List.of(
        new ClassHooks(
            "jdk-datagram",
            "sun/nio/ch/DatagramChannelImpl",
            List.of(
                hook("send", "(Ljava/nio/ByteBuffer;Ljava/net/SocketAddress;)I", 1, send),
                hook("write", "(Ljava/nio/ByteBuffer;)I", -1, write),
                hook("write", "([Ljava/nio/ByteBuffer;II)J", -1, write),
                hook("receive", "(Ljava/nio/ByteBuffer;Z)I", -1, receive),
                hook("receive", "(Ljava/nio/ByteBuffer;Z)I", MethodHook.RESULT, receive.waited()),
                hook("read", "(Ljava/nio/ByteBuffer;)I", -1, read),
                hook("read", "([Ljava/nio/ByteBuffer;II)J", -1, read),
                hook("implCloseSelectableChannel", "()V", -1, lines),
                // of JDK 17, and of JDK 25
                timed("(Ljava/nio/ByteBuffer;J)Ljava/net/SocketAddress;", timed),
                timed("(Ljava/net/DatagramPacket;J)V", timed))));
  }

  private static MethodHook hook(String method, String descriptor, int argument, Handler handler) {
    return new MethodHook(method, descriptor, argument, BITS, handler, true);
  }

  private static MethodHook timed(String descriptor, Handler handler) {
    return new MethodHook("blockingReceive", descriptor, 1, BITS, handler, false);
  }
}
