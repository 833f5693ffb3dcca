package dev.jinx.agent.point.socket;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.fault.CallScope;
import dev.jinx.agent.fault.OwnFailures;
import dev.jinx.agent.weave.Access;
import dev.jinx.agent.weave.Handler;
import dev.jinx.agent.weave.MethodHook;
import dev.jinx.agent.weave.Original;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.spi.AbstractSelectableChannel;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel is asked to tell a selector of. The events of a channel that is held are taken
 * out where they are translated for the kernel, so that the selector sleeps until the hold is over:
 * a channel that only reads nothing would be told ready for ever.
 */
final class Readiness implements Handler {
  private static final long BITS =
      Operation.SOCKET_CONNECT.bit()
          | Operation.SOCKET_READ.bit()
          | Operation.SOCKET_WRITE.bit()
          | Operation.SOCKET_CLOSE.bit();

  private final Access access;
  private final Links links;
  private volatile @Nullable Inside inside;

  Readiness(Access access, Links links) {
    this.access = access;
    this.links = links;
  }

  /** The hook of the method that translates what a key is interested in. */
  MethodHook hook(String method, String descriptor) {
    return new MethodHook(method, descriptor, -1, BITS, this, true);
  }

  /**
   * The hook of the method that is told of the kernel's events: failures come unasked, and would
   * come again and again.
   */
  MethodHook failing(String method, String descriptor) {
    return new MethodHook(method, descriptor, 0, BITS, new Failing(), true);
  }

  private final class Failing implements Handler {
    /** {@code POLLERR} and {@code POLLHUP}, of Linux and macOS. */
    private static final int FAILURE = 8 | 16;

    @Override
    public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
        Original original, Object self, @Nullable Object argument) {
      try {
        if (argument instanceof Integer events && (events & FAILURE) != 0) {
          Link link = links.known(self);
          if (link != null && link.masked() != 0) {
            link.deaf();
          }
        }
      } catch (Throwable e) {
        OwnFailures.note(e);
      }
      return null;
    }
  }

  @Override
  public @Nullable BiFunction<Object, Object[], @Nullable Object> enter(
      Original original, Object self, @Nullable Object argument) {
    try {
      SelectableChannel channel = ((SelectionKey) self).channel();
      Link link = CallScope.isInside(Operation.SOCKET_CLOSE) ? null : links.known(channel);
      int masked = link == null ? 0 : link.masked();
      if (masked == 0) {
        return null;
      }
      int events = 0;
      if ((masked & Link.READ) != 0) {
        events |= links.kernel().readable();
      }
      if ((masked & (Link.WRITE | Link.CONNECT)) != 0) {
        events |= links.kernel().writable();
      }
      int without = ~events;
      return new BiFunction<>() {
        @Override
        public @Nullable Object apply(Object key, Object[] arguments) {
          return Readiness.this.<RuntimeException>translate(original, key, arguments, without);
        }
      };
    } catch (Throwable e) {
      OwnFailures.note(e);
      return null;
    }
  }

  @SuppressWarnings("unchecked")
  private <E extends Throwable> Object translate(
      Original original, Object key, Object[] arguments, int without) throws E {
    // what is called beneath is this very method again
    try (CallScope scope = CallScope.enter(Kind.SOCKET)) {
      Object events = original.call(key, arguments);
      return events instanceof Integer asked ? (Object) (asked & without) : (Object) 0;
    } catch (Throwable e) {
      throw (E) e;
    }
  }

  /** What makes a selector translate a key's interest anew. */
  private record Inside(VarHandle keys, MethodHandle setEventOps) {}

  private Inside inside() throws ReflectiveOperationException {
    Inside known = inside;
    if (known == null) {
      Class<?> selector = Class.forName("sun.nio.ch.SelectorImpl");
      Class<?> key = Class.forName("sun.nio.ch.SelectionKeyImpl");
      known =
          new Inside(
              access
                  .in(AbstractSelectableChannel.class)
                  .findVarHandle(AbstractSelectableChannel.class, "keys", SelectionKey[].class),
              access
                  .in(selector)
                  .findVirtual(selector, "setEventOps", MethodType.methodType(void.class, key)));
      inside = known;
    }
    return known;
  }

  /**
   * What a channel is masked by has changed.
   *
   * @param isMore whether its selectors are to be woken; who masks more has been woken by it
   */
  void changed(Object channel, boolean isMore) {
    try {
      Inside fields = inside();
      if (!(fields.keys.getVolatile(channel) instanceof SelectionKey[] keys)) {
        return;
      }
      for (SelectionKey key : keys) {
        if (key != null && key.isValid()) {
          Selector selector = key.selector();
          fields.setEventOps.invoke(selector, key);
          if (isMore) {
            selector.wakeup();
          }
        }
      }
    } catch (ClosedSelectorException closedMeanwhile) {
      // then nobody waits
    } catch (Throwable e) {
      OwnFailures.note(e);
    }
  }
}
