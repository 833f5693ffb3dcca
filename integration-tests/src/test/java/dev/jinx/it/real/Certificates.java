package dev.jinx.it.real;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Certificates for {@code localhost} of an authority of our own, made by the JDK's keytool. */
public final class Certificates {
  private static final char[] PASSWORD = "changeit".toCharArray();
  private static final Certificates INSTANCE = new Certificates();

  private final Certificate authority;
  private final Certificate good;
  private final Certificate expired;
  private final PrivateKey key;

  private Certificates() {
    try {
      Path dir = Files.createTempDirectory("certificates");
      keytool(dir, "-genkeypair -alias ca -dname CN=authority -keyalg EC -ext bc:c");
      keytool(dir, "-genkeypair -alias leaf -dname CN=localhost -keyalg EC");
      keytool(dir, "-certreq -alias leaf -file leaf.csr");
      String sign = "-gencert -alias ca -infile leaf.csr -ext san=dns:localhost ";
      keytool(dir, sign + "-outfile good.pem");
      keytool(dir, sign + "-outfile expired.pem -startdate -30d -validity 10");
      var store = KeyStore.getInstance("PKCS12");
      try (InputStream in = Files.newInputStream(dir.resolve("store.p12"))) {
        store.load(in, PASSWORD);
      }
      authority = store.getCertificate("ca");
      key = (PrivateKey) store.getKey("leaf", PASSWORD);
      good = certificate(dir.resolve("good.pem"));
      expired = certificate(dir.resolve("expired.pem"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Of a server whose certificate a {@linkplain #client() client} trusts. */
  public static SSLContext server() {
    return context(serverStore());
  }

  /** Of a server, or a client, whose certificate ran out 20 days ago. */
  public static SSLContext expiredServer() {
    return context(expiredStore());
  }

  /** Of a client that trusts our authority. */
  public static SSLContext client() {
    return context(serverStore());
  }

  /** The store that makes a server, for those who cannot take an {@link SSLContext}. */
  public static KeyStore serverStore() {
    return INSTANCE.store(INSTANCE.good);
  }

  /** The same with the certificate that has run out. */
  public static KeyStore expiredStore() {
    return INSTANCE.store(INSTANCE.expired);
  }

  /** Who one is, by that store. */
  public static KeyManagerFactory keys(KeyStore store) {
    try {
      var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, PASSWORD);
      return keys;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whom one trusts, by that store. */
  public static TrustManagerFactory trust(KeyStore store) {
    try {
      var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      return trust;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public static String password() {
    return new String(PASSWORD);
  }

  /** Both. */
  public static SSLContext context(KeyStore store) {
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(keys(store).getKeyManagers(), trust(store).getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private KeyStore store(Certificate leaf) {
    try {
      var store = KeyStore.getInstance("PKCS12");
      store.load(null, PASSWORD);
      store.setKeyEntry("leaf", key, PASSWORD, new Certificate[] {leaf, authority});
      store.setCertificateEntry("ca", authority);
      return store;
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Certificate certificate(Path file) throws IOException, GeneralSecurityException {
    try (InputStream in = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  private static void keytool(Path dir, String arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments.split(" ", -1)));
    command.addAll(List.of("-keystore", "store.p12", "-storetype", "PKCS12"));
    command.addAll(List.of("-storepass", password()));
    var process =
        new ProcessBuilder(command).directory(dir.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), Charset.defaultCharset());
    try {
      if (process.waitFor() != 0) {
        throw new IOException(command + ": " + output);
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
