package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.Exceptions;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import org.jspecify.annotations.Nullable;

/** A connect that blocks. */
class ConnectHook extends SocketHook {

  ConnectHook(Armory armory, Exceptions exceptions, Links links) {
    super(armory, Operation.SOCKET_CONNECT, exceptions, links);
  }

  @Override
  protected boolean concerns(Object self, @Nullable Object argument) {
    return argument instanceof InetSocketAddress || argument instanceof UnixDomainSocketAddress;
  }
}
