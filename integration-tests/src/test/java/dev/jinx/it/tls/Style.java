package dev.jinx.it.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.jinx.it.real.Certificates;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/** A way to ask an HTTPS server, each time on a new connection and with a new session. */
enum Style {
  /** A handshake that is asked for. */
  SOCKET {
    @Override
    String ask(int port, int timeout) throws Exception {
      try (SSLSocket socket = connect(Certificates.client(), port, timeout)) {
        socket.startHandshake();
        return exchange(socket);
      }
    }
  },
  /** One that the first write implies. */
  WRITE {
    @Override
    String ask(int port, int timeout) throws Exception {
      try (SSLSocket socket = connect(Certificates.client(), port, timeout)) {
        return exchange(socket);
      }
    }
  },
  /** One on a socket that another lies beneath. */
  LAYERED {
    @Override
    String ask(int port, int timeout) throws Exception {
      try (Socket plain = new Socket("localhost", port)) {
        plain.setSoTimeout(timeout);
        try (SSLSocket socket =
            (SSLSocket)
                Certificates.client()
                    .getSocketFactory()
                    .createSocket(plain, "localhost", port, true)) {
          socket.startHandshake();
          return exchange(socket);
        }
      }
    }
  },
  URL_CONNECTION {
    @Override
    String ask(int port, int timeout) throws Exception {
      var connection = (HttpsURLConnection) uri(port).toURL().openConnection();
      connection.setSSLSocketFactory(Certificates.client().getSocketFactory());
      connection.setReadTimeout(timeout);
      try (InputStream in = connection.getInputStream()) {
        return new String(in.readAllBytes(), ISO_8859_1);
      }
    }
  },
  HTTP_CLIENT {
    @Override
    String ask(int port, int timeout) throws Exception {
      HttpClient client = HttpClient.newBuilder().sslContext(Certificates.client()).build();
      return client.send(HttpRequest.newBuilder(uri(port)).build(), BodyHandlers.ofString()).body();
    }
  },
  NETTY {
    @Override
    String ask(int port, int timeout) throws Exception {
      return NettyClient.ask(port);
    }
  },
  /** An engine that is not the JDK's, in a Netty that is called otherwise. */
  OPENSSL {
    @Override
    String ask(int port, int timeout) throws Exception {
      return ShadedClient.ask(port);
    }
  };

  /** The body of the answer. */
  abstract String ask(int port, int timeout) throws Exception;

  /** Whether its handshake blocks its thread. */
  boolean blocks() {
    return this != HTTP_CLIENT && this != NETTY && this != OPENSSL;
  }

  static URI uri(int port) {
    return URI.create("https://localhost:" + port + "/");
  }

  static SSLSocket connect(SSLContext context, int port, int timeout) throws IOException {
    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket();
    socket.connect(new InetSocketAddress("localhost", port));
    socket.setSoTimeout(timeout);
    return socket;
  }

  static String exchange(SSLSocket socket) throws IOException {
    socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(ISO_8859_1));
    String answer = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
    return answer.substring(answer.indexOf("\r\n\r\n") + 4);
  }
}
