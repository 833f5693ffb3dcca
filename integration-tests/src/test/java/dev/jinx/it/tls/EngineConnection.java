package dev.jinx.it.tls;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;

/** The server's end of a connection, by an engine that one thread feeds from a channel. */
final class EngineConnection {
  private final SocketChannel channel;
  private final SSLEngine engine;
  private final ByteBuffer received;
  private final ByteBuffer request;

  EngineConnection(SocketChannel channel, SSLEngine engine) {
    this.channel = channel;
    this.engine = engine;
    this.received = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    this.request = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize());
  }

  /** Shakes hands, takes a request, and answers. */
  void answer(byte[] answer) throws IOException {
    try {
      engine.beginHandshake();
      while (request.position() == 0) {
        step();
      }
      send(ByteBuffer.wrap(answer));
    } finally {
      engine.closeOutbound();
      say();
    }
  }

  private void step() throws IOException {
    HandshakeStatus status = engine.getHandshakeStatus();
    if (status == HandshakeStatus.NEED_TASK) {
      engine.getDelegatedTask().run();
    } else if (status == HandshakeStatus.NEED_WRAP) {
      send(ByteBuffer.allocate(0));
    } else {
      receive();
    }
  }

  private void receive() throws IOException {
    received.flip();
    SSLEngineResult result = engine.unwrap(received, request);
    received.compact();
    if (result.getStatus() == Status.BUFFER_UNDERFLOW && channel.read(received) < 0) {
      engine.closeInbound();
      throw new EOFException("no request");
    }
  }

  private void send(ByteBuffer bytes) throws IOException {
    ByteBuffer out = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(bytes, out);
    out.flip();
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }

  /** An alert, or the end. */
  private void say() {
    try {
      while (!engine.isOutboundDone()) {
        send(ByteBuffer.allocate(0));
      }
    } catch (SSLException | RuntimeException said) {
      // the failure is told already
    } catch (IOException gone) {
      // the client has not waited for it
    }
  }
}
