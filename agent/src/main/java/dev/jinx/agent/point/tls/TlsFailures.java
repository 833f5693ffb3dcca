package dev.jinx.agent.point.tls;

import dev.jinx.agent.call.Kind;
import dev.jinx.agent.fault.CallScope;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Failed TLS handshakes. Their exceptions, causes and messages differ from one JDK to the next, so
 * they are not imitated: two engines of this JVM fail to shake hands, in memory.
 */
public final class TlsFailures {
  private static final String AUTHORITY =
      """
      -----BEGIN CERTIFICATE-----
      MIIBRzCB7qADAgECAghHHmOJM68G2TAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDEwRK
      aW54MCAXDTIwMDEwMTAxMDU1NloYDzIxMTkxMjA4MDEwNTU2WjAPMQ0wCwYDVQQD
      EwRKaW54MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+wr+JhYs+GWIlCXCBbl0
      h0ul5NcIQktPnZ42f+ggqWl89uHrh7B+p3No5y07HXpymnVhfWRqnnljzHV0pPi4
      JqMyMDAwHQYDVR0OBBYEFKCMQjTTPknFroee+U3v932jy7A/MA8GA1UdEwEB/wQF
      MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgXvqmsY6TE2LHHQQ6PyOAsoMfZ7gX68uD
      2mNa1Mxym4gCIQCuqoW1or/g+OBUNQL8fLVqEA3rK+jSkquF2d+0TRB4Og==
      -----END CERTIFICATE-----
      """;

  // 2020 was its only year
  private static final String EXPIRED =
      """
      -----BEGIN CERTIFICATE-----
      MIIBWjCCAQCgAwIBAgIJAPh/rMYuBQ6pMAoGCCqGSM49BAMCMA8xDTALBgNVBAMT
      BEppbngwHhcNMjAwMTAxMDEwNTU3WhcNMjAxMjMxMDEwNTU3WjASMRAwDgYDVQQD
      EwdleHBpcmVkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0IgZEObVgCil33KV
      AeZ/oQIzgvdzHmV+imQSPTcn4kDVhQ2WVUI+rbzXfv6oiU0nz7iFgmuzZsTLtZ7i
      eQl0x6NCMEAwHQYDVR0OBBYEFFzI8RGZbFl5VOVroCJ/r5XprCb2MB8GA1UdIwQY
      MBaAFKCMQjTTPknFroee+U3v932jy7A/MAoGCCqGSM49BAMCA0gAMEUCIBBUaqeI
      7q+/fQCFWJJYaWtVbAY9x4bJpV23OZ112po6AiEA82CAij70lD8GEoEEAe0ntmzv
      4pnMWONmGHXEVqXULeA=
      -----END CERTIFICATE-----
      """;

  private TlsFailures() {}

  /** The server finds nothing in common and says so with an alert. */
  public static SSLException handshake() {
    try {
      return failure(null, null, "Received fatal alert: handshake_failure");
    } catch (GeneralSecurityException e) {
      return new SSLHandshakeException("Received fatal alert: handshake_failure");
    }
  }

  /** The server's certificate has run out. */
  public static SSLException certificateExpired() {
    String message = "PKIX path validation failed";
    try {
      KeyStore own = emptyStore();
      // any key does: the client looks at the certificate before it asks for the proof
      own.setKeyEntry(
          "server",
          KeyPairGenerator.getInstance("EC").generateKeyPair().getPrivate(),
          new char[0],
          new Certificate[] {certificate(EXPIRED), certificate(AUTHORITY)});
      return failure(own, trusted(), message);
    } catch (GeneralSecurityException | IOException e) {
      return new SSLHandshakeException(message);
    }
  }

  /** What this JVM's trust manager says of such a certificate: the cause of the above. */
  static CertificateException expired() throws GeneralSecurityException, IOException {
    X509Certificate[] chain = {certificate(EXPIRED), certificate(AUTHORITY)};
    for (TrustManager each : trust(trusted())) {
      try {
        ((X509TrustManager) each).checkServerTrusted(chain, "UNKNOWN");
      } catch (CertificateException expired) {
        return expired;
      }
    }
    throw new CertificateException("an expired certificate is trusted");
  }

  private static KeyStore trusted() throws GeneralSecurityException, IOException {
    KeyStore trusted = emptyStore();
    trusted.setCertificateEntry("authority", certificate(AUTHORITY));
    return trusted;
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static X509Certificate certificate(String pem) throws GeneralSecurityException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
  }

  private static SSLException failure(
      @Nullable KeyStore own, @Nullable KeyStore trusted, String message)
      throws GeneralSecurityException {
    try (CallScope ours = CallScope.enter(Kind.TLS)) {
      return shakeHands(context(null, trusted), context(own, null), message);
    }
  }

  private static SSLException shakeHands(SSLContext ofClient, SSLContext ofServer, String message) {
    SSLEngine client = ofClient.createSSLEngine();
    client.setUseClientMode(true);
    SSLEngine server = ofServer.createSSLEngine();
    server.setUseClientMode(false);
    ByteBuffer toServer = ByteBuffer.allocate(1 << 16);
    ByteBuffer toClient = ByteBuffer.allocate(1 << 16);
    for (int turn = 0; turn < 20; turn++) {
      try {
        step(client, toClient, toServer);
      } catch (SSLException failure) {
        return failure;
      }
      try {
        step(server, toServer, toClient);
      } catch (SSLException itsOwnSide) {
        // its alert is on the way
      }
    }
    return new SSLHandshakeException(message);
  }

  private static void step(SSLEngine engine, ByteBuffer in, ByteBuffer out) throws SSLException {
    ByteBuffer application = ByteBuffer.allocate(1 << 15);
    in.flip();
    while (in.hasRemaining() && engine.unwrap(in, application).bytesConsumed() > 0) {
      runTasks(engine);
    }
    in.compact();
    runTasks(engine);
    while (engine.wrap(ByteBuffer.allocate(0), out).bytesProduced() > 0) {
      runTasks(engine);
    }
  }

  private static void runTasks(SSLEngine engine) {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  private static SSLContext context(@Nullable KeyStore own, @Nullable KeyStore trusted)
      throws GeneralSecurityException {
    KeyManager[] keys = {};
    if (own != null) {
      KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
      factory.init(own, new char[0]);
      keys = factory.getKeyManagers();
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys, trust(trusted), null);
    return context;
  }

  private static TrustManager[] trust(@Nullable KeyStore trusted) throws GeneralSecurityException {
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    return trust.getTrustManagers();
  }
}
