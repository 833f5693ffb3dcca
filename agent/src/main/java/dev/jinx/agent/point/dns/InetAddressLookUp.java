package dev.jinx.agent.point.dns;

import dev.jinx.agent.call.Field;
import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.point.BlockingHook;
import dev.jinx.agent.point.Exceptions;
import dev.jinx.agent.point.Outcome;
import dev.jinx.agent.point.Point;
import dev.jinx.agent.weave.ClassHooks;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@code InetAddress}: every look-up of the JDK passes {@code getAllByName(String)}, those that its
 * cache answers too. A literal address is no look-up.
 */
public final class InetAddressLookUp extends BlockingHook implements Point {

  /**
   * What glibc's resolver takes to give up on silent servers: two attempts of 5 s, resolv.conf(5).
   */
  private static final long RESOLVER_TIMEOUT = TimeUnit.SECONDS.toNanos(10);

  private final Exceptions exceptions;

  public InetAddressLookUp(Armory armory, Exceptions exceptions) {
    super(armory, Operation.DNS_RESOLVE);
    this.exceptions = exceptions;
  }

  @Override
  public List<ClassHooks> classes() {
    return List.of(
        new ClassHooks(
            "jdk-dns",
            "java/net/InetAddress",
            List.of(on("getAllByName", "(Ljava/lang/String;)[Ljava/net/InetAddress;", 0))));
  }

  @Override
  protected boolean concerns(Object self, @Nullable Object host) {
    return isLookUp((String) host);
  }

  /**
   * Whether a name is to be looked up: an address needs it not, and our own names are not asked.
   */
  static boolean isLookUp(@Nullable String host) {
    return host != null && !isLiteral(host) && !host.endsWith(".jinx.invalid");
  }

  private static boolean isLiteral(String host) {
    if (host.isEmpty() || host.indexOf(':') >= 0) {
      return true;
    }
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      if (c != '.' && (c < '0' || c > '9')) {
        return false;
      }
    }
    return true;
  }

  @Override
  public @Nullable String read(
      Field field, @Nullable String name, Object self, @Nullable Object host) {
    return field == Field.HOST ? (String) host : null;
  }

  @Override
  protected long patience(Phase phase, Object self, Object[] arguments) {
    return RESOLVER_TIMEOUT;
  }

  @Override
  protected Outcome outOfPatience(Phase phase, Object self, Object[] arguments) {
    return Outcome.fail(
        new UnknownHostException(arguments[0] + ": Temporary failure in name resolution"));
  }

  @Override
  protected Outcome failed(Failure failure, Phase phase, Object self, Object[] arguments)
      throws ReflectiveOperationException {
    if (failure instanceof Failure.Thrown thrown) {
      return Outcome.fail(exceptions.make(thrown, self));
    }
    return Outcome.fail(new UnknownHostException(arguments[0] + ": Name or service not known"));
  }
}
