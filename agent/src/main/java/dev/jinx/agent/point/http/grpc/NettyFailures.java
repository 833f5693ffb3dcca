package dev.jinx.agent.point.http.grpc;

import dev.jinx.agent.weave.Access;
import java.io.IOException;
import java.lang.invoke.MethodType;
import java.lang.reflect.InvocationTargetException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The exceptions of Netty, plain or shaded, with its own transport or the JDK's: made by Netty's
 * own code. Where a channel uses another transport, those of the JDK stand in.
 */
final class NettyFailures {
  private final Access access;

  /** What makes the channel's connections. */
  private final @Nullable Object transports;

  NettyFailures(Access access, @Nullable Object transports) {
    this.access = access;
    this.transports = transports;
  }

  IOException refused(SocketAddress address) {
    ConnectException refused = new ConnectException("Connection refused");
    try {
      Class<?> errors = nativeErrors();
      if (errors != null) {
        try {
          var unused =
              errors
                  .getMethod("throwConnectException", String.class, int.class)
                  .invoke(null, "finishConnect", constant(errors, "ERROR_ECONNREFUSED_NEGATIVE"));
        } catch (InvocationTargetException e) {
          refused = e.getCause() instanceof ConnectException known ? known : refused;
        }
      }
      Class<?> annotated = netty("channel.AbstractChannel$AnnotatedConnectException");
      if (annotated != null) {
        refused =
            (ConnectException)
                access
                    .in(annotated)
                    .findConstructor(
                        annotated,
                        MethodType.methodType(
                            void.class, ConnectException.class, SocketAddress.class))
                    .invoke(refused, address);
      }
    } catch (Throwable otherVersion) {
      // the plain exception has to do
    }
    return refused;
  }

  IOException connectTimeout(String message) {
    try {
      Class<?> type = netty("channel.ConnectTimeoutException");
      if (type != null) {
        return (IOException) type.getConstructor(String.class).newInstance(message);
      }
    } catch (ReflectiveOperationException otherVersion) {
      // the plain exception has to do
    }
    return new SocketTimeoutException(message);
  }

  IOException reset() {
    try {
      Class<?> errors = nativeErrors();
      if (errors != null) {
        return (IOException)
            errors
                .getMethod("newIOException", String.class, int.class)
                .invoke(null, "recvAddress", constant(errors, "ERRNO_ECONNRESET_NEGATIVE"));
      }
    } catch (ReflectiveOperationException otherVersion) {
      // the plain exception has to do
    }
    return new SocketException("Connection reset");
  }

  private static Object constant(Class<?> type, String name) throws ReflectiveOperationException {
    return type.getField(name).get(null);
  }

  /** The class that makes Netty's exceptions, where it talks to the kernel by itself. */
  private @Nullable Class<?> nativeErrors() throws ReflectiveOperationException {
    Class<?> epoll = netty("channel.epoll.Epoll");
    return epoll != null && Boolean.TRUE.equals(epoll.getMethod("isAvailable").invoke(null))
        ? netty("channel.unix.Errors")
        : null;
  }

  /** A class of the Netty that the channel uses; null where it uses none, or it has no such. */
  private @Nullable Class<?> netty(String name) {
    if (transports == null) {
      return null;
    }
    String used = transports.getClass().getName();
    int at = used.indexOf("io.grpc.netty.NettyChannelBuilder");
    try {
      return at < 0
          ? null
          : Class.forName(
              used.substring(0, at) + "io.netty." + name,
              true,
              transports.getClass().getClassLoader());
    } catch (ClassNotFoundException e) {
      return null;
    }
  }
}
