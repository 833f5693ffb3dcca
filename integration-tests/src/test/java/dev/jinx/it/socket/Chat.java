package dev.jinx.it.socket;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A client on one selector and one thread, as small as such clients get, that counts its rounds.
 */
final class Chat implements AutoCloseable {

  /** One channel: what is to be sent, and what is waited for. */
  final class Talk {
    final SocketChannel channel;
    private final SelectionKey key;
    private final CompletableFuture<Void> connected = new CompletableFuture<>();
    private final Queue<ByteBuffer> out = new ConcurrentLinkedQueue<>();
    private final ByteBuffer in = ByteBuffer.allocate(1 << 16);
    private final Queue<CompletableFuture<Byte>> answers = new ArrayDeque<>();

    private Talk(InetSocketAddress address) throws IOException {
      channel = SocketChannel.open();
      channel.configureBlocking(false);
      boolean done = channel.connect(address);
      key = channel.register(selector, done ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT, this);
      if (done) {
        connected.complete(null);
      }
    }

    CompletableFuture<Void> connected() {
      return connected;
    }

    /** Sends a byte; the next byte that comes is the answer, or -1 the end. */
    CompletableFuture<Byte> ask(int question) {
      CompletableFuture<Byte> answer = new CompletableFuture<>();
      onLoop(
          () -> {
            answers.add(answer);
            out.add(ByteBuffer.wrap(new byte[] {(byte) question}));
            key.interestOpsOr(SelectionKey.OP_WRITE);
          });
      return answer;
    }

    private void ready() {
      try {
        if (key.isConnectable() && channel.finishConnect()) {
          key.interestOps(SelectionKey.OP_READ | (out.isEmpty() ? 0 : SelectionKey.OP_WRITE));
          connected.complete(null);
        }
        if (key.isValid() && key.isWritable()) {
          write();
        }
        if (key.isValid() && key.isReadable()) {
          read();
        }
      } catch (IOException e) {
        fail(e);
      }
    }

    private void write() throws IOException {
      for (ByteBuffer next = out.peek(); next != null; next = out.peek()) {
        channel.write(next);
        if (next.hasRemaining()) {
          return;
        }
        out.remove();
      }
      key.interestOpsAnd(~SelectionKey.OP_WRITE);
    }

    private void read() throws IOException {
      in.clear();
      int count = channel.read(in);
      if (count < 0) {
        key.cancel();
        while (!answers.isEmpty()) {
          answers.remove().complete((byte) -1);
        }
      }
      for (int i = 0; i < count; i++) {
        answers.remove().complete(in.get(i));
      }
    }

    private void fail(Exception e) {
      key.cancel();
      connected.completeExceptionally(e);
      answers.forEach(answer -> answer.completeExceptionally(e));
      answers.clear();
    }

    void close() throws IOException {
      channel.close();
      selector.wakeup();
    }
  }

  private final Selector selector = Selector.open();
  private final Queue<Runnable> work = new ConcurrentLinkedQueue<>();
  private final AtomicLong rounds = new AtomicLong();
  private final Thread loop = new Thread(this::run, "chat");
  private volatile boolean closed;

  Chat() throws IOException {
    loop.setDaemon(true);
    loop.start();
  }

  private void onLoop(Runnable task) {
    work.add(task);
    selector.wakeup();
  }

  private void run() {
    try {
      while (!closed) {
        selector.select();
        rounds.incrementAndGet();
        for (Runnable task = work.poll(); task != null; task = work.poll()) {
          task.run();
        }
        for (SelectionKey key : selector.selectedKeys()) {
          if (key.isValid()) {
            ((Talk) key.attachment()).ready();
          }
        }
        selector.selectedKeys().clear();
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Begins to connect on the caller's thread; the loop finishes it. */
  Talk connect(InetSocketAddress address) throws IOException {
    Talk talk = new Talk(address);
    selector.wakeup();
    return talk;
  }

  /** How often the selector has come back. */
  long rounds() {
    return rounds.get();
  }

  /** The selector's thread, for its processor time. */
  Thread thread() {
    return loop;
  }

  @Override
  public void close() throws IOException {
    closed = true;
    selector.wakeup();
    for (SelectionKey key : selector.keys()) {
      key.channel().close();
    }
    selector.close();
  }
}
