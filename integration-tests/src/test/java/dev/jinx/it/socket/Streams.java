package dev.jinx.it.socket;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/** Two ends of a connection: ours, in each style there is, and a plain peer in a thread. */
final class Streams {

  private Streams() {}

  /** Our end: reads some bytes (-1 for the end) and writes all. */
  interface End extends AutoCloseable {
    int read(byte[] into) throws IOException;

    void write(byte[] bytes) throws IOException;

    @Override
    void close() throws IOException;
  }

  /** A way to talk. */
  enum Style {
    SOCKET {
      @Override
      End connect(SocketAddress address) throws IOException {
        Socket socket = new Socket();
        socket.connect(address);
        return of(socket);
      }
    },
    ADAPTOR {
      @Override
      End connect(SocketAddress address) throws IOException {
        return of(SocketChannel.open(address).socket());
      }
    },
    CHANNEL {
      @Override
      End connect(SocketAddress address) throws IOException {
        return of(SocketChannel.open(address), null);
      }
    },
    SELECTOR {
      @Override
      End connect(SocketAddress address) throws IOException {
        SocketChannel channel = SocketChannel.open(address);
        channel.configureBlocking(false);
        return of(channel, Selector.open());
      }
    };

    abstract End connect(SocketAddress address) throws IOException;
  }

  private static End of(Socket socket) {
    return new End() {
      @Override
      public int read(byte[] into) throws IOException {
        return socket.getInputStream().read(into);
      }

      @Override
      public void write(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
      }

      @Override
      public void close() throws IOException {
        socket.close();
      }
    };
  }

  /**
   * @param selector null for a channel that blocks
   */
  private static End of(SocketChannel channel, @org.jspecify.annotations.Nullable Selector selector)
      throws IOException {
    SelectionKey key = selector == null ? null : channel.register(selector, 0);
    return new End() {
      private void await(int event) throws IOException {
        if (key != null && selector != null) {
          key.interestOps(event);
          selector.select();
          selector.selectedKeys().clear();
        }
      }

      @Override
      public int read(byte[] into) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(into);
        while (true) {
          await(SelectionKey.OP_READ);
          int count = channel.read(buffer);
          if (count != 0) {
            return count;
          }
        }
      }

      @Override
      public void write(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
          await(SelectionKey.OP_WRITE);
          channel.write(buffer);
        }
      }

      @Override
      public void close() throws IOException {
        channel.close();
        if (selector != null) {
          selector.close();
        }
      }
    };
  }

  /** The peer: a server for one connection after the other, whose end the test works with. */
  static final class Listener implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

    Listener() throws IOException {}

    InetSocketAddress address() {
      return new InetSocketAddress("localhost", server.getLocalPort());
    }

    Socket accept() throws IOException {
      Socket accepted = server.accept();
      accepted.setSoTimeout(20_000);
      return accepted;
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  /** Runs something beside the test. */
  static <T> FutureTask<T> beside(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread thread = new Thread(task, "beside");
    thread.setDaemon(true);
    thread.start();
    return task;
  }

  /** Bytes of which none is like its neighbours. */
  static byte[] pattern(int size) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) (i * 31 + (i >> 8));
    }
    return bytes;
  }

  static byte[] readFully(InputStream in, int size) throws IOException {
    return in.readNBytes(size);
  }

  static byte[] readFully(End end, int size) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(size);
    while (all.hasRemaining()) {
      byte[] part = new byte[Math.min(8192, all.remaining())];
      int count = end.read(part);
      if (count < 0) {
        throw new IOException("the end after " + all.position());
      }
      all.put(part, 0, count);
    }
    return all.array();
  }
}
