package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Cut;
import dev.jinx.agent.effect.Reset;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Injection;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.fault.OwnThread;
import dev.jinx.agent.point.WeakIdentityMap;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** The connections that calls were seen on while faults were armed; and the hook of their end. */
final class Links implements Handler {
  private static final long BITS =
      Operation.SOCKET_CONNECT.bit()
          | Operation.SOCKET_READ.bit()
          | Operation.SOCKET_WRITE.bit()
          | Operation.SOCKET_CLOSE.bit();

  private final WeakIdentityMap<Object, Link> all = new WeakIdentityMap<>();
  private final Armory armory;
  private final Wire wire;
  private final Kernel kernel;

  Links(Armory armory, Wire wire, Kernel kernel) {
    this.armory = armory;
    this.wire = wire;
    this.kernel = kernel;
  }

  Wire wire() {
    return wire;
  }

  Kernel kernel() {
    return kernel;
  }

  /** The link of a connection, made where there is none. */
  Link of(Object connection) {
    Link link = all.get(connection);
    return link != null ? link : all.computeIfAbsent(connection, it -> new Link(armory, wire, it));
  }

  @Nullable Link known(Object connection) {
    return all.get(connection);
  }

  /** A slow close. */
  @Override
  public long hits() {
    return Operation.SOCKET_CLOSE.bit();
  }

  /** The hook of the method that closes a connection. */
  MethodHook closing(String method, String descriptor) {
    return new MethodHook(method, descriptor, -1, BITS, this, true);
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    try {
      Link link = all.get(self);
      if (link == null || OwnThread.isCurrent()) {
        return null;
      }
      long slow = wire.isBlocking(self) ? link.line().slowClose() : 0;
      if (slow == 0) {
        end(link, self);
        return null;
      }
      return new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object it, Object[] arguments) {
          return Links.this.<RuntimeException>slowly(link, slow, original, it, arguments);
        }
      };
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  private void end(Link link, Object connection) {
    if (link.close()) {
      // the peer never had those bytes: when it hears of this end again it is by a reset
      kernel.reset(wire.descriptor(connection));
    }
  }

  /** Cuts a connection for real; the call that comes next meets it. */
  void cut(Cut cut, Object connection) {
    if (wire.isClosed(connection)) {
      return; // its descriptor may be another's by now
    }
    of(connection).discard();
    try {
      if (cut instanceof Reset) {
        kernel.reset(wire.descriptor(connection));
      } else {
        of(connection).endInput();
        kernel.shutdown(wire.descriptor(connection));
        wire.shutdownInput(connection);
      }
    } catch (Throwable closedMeanwhile) {
      // then it has ended already
    }
  }

  /** What is read ends, as with a FIN of the peer's. */
  void endInput(Object connection) throws Throwable {
    of(connection).discard();
    of(connection).endInput();
    kernel.shutdownInput(wire.descriptor(connection));
    wire.shutdownInput(connection);
  }

  @SuppressWarnings("unchecked")
  private <E extends Throwable> @Nullable Object slowly(
      Link link, long slow, Original original, Object self, Object[] arguments) throws E {
    try {
      link.line().outbound().pause(slow);
      Injection.Waited unused = link.line().outbound().await(slow, false);
      end(link, self);
      return original.call(self, arguments);
    } catch (Throwable e) {
      throw (E) e;
    }
  }
}
