package dev.jinx.agent.point.tls;

import dev.jinx.agent.call.Operation;
import dev.jinx.agent.effect.Effects;
import dev.jinx.agent.effect.Ending;
import dev.jinx.agent.effect.Failure;
import dev.jinx.agent.effect.Latency;
import dev.jinx.agent.effect.NamedError;
import dev.jinx.agent.effect.Phase;
import dev.jinx.agent.fault.Armory;
import dev.jinx.agent.fault.Fault;
import dev.jinx.agent.point.HookPoint;
import dev.jinx.agent.point.Peer;
import dev.jinx.agent.point.PeerReader;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/**
 * A hook by which the first records of the peer pass on their way into an engine. An engine knows
 * no connection: it cannot be reset or ended, and only who reads for it can make it wait.
 */
abstract class EngineHook extends HookPoint implements PeerReader {
  final Handshakes handshakes;

  EngineHook(Armory armory, Handshakes handshakes) {
    super(armory, Operation.TLS_HANDSHAKE);
    this.handshakes = handshakes;
  }

  /** The engine that shakes hands in the end, none that wraps it. */
  abstract SSLEngine engine(Object self);

  /** Whether the engine's reader can be made to wait at this hook. */
  abstract boolean canWait();

  @Override
  public boolean carries(Fault fault, Object self, @Nullable Object argument) {
    Effects effects = fault.effects();
    Ending ending = effects.ending();
    return canFollow(effects.latency(), effects.phase()) && (ending == null || isOfEngines(ending));
  }

  private boolean canFollow(@Nullable Latency latency, Phase phase) {
    return latency == null || (canWait() && phase == Phase.BEFORE && latency.floor() == 0);
  }

  private static boolean isOfEngines(Ending ending) {
    return ending instanceof Failure.Thrown
        || (ending instanceof Failure.Named named
            && (named.error() == NamedError.TLS_HANDSHAKE_FAILURE
                || named.error() == NamedError.CERTIFICATE_EXPIRED));
  }

  @Override
  public boolean counts(Object self, @Nullable Object argument) {
    return handshakes.begin(engine(self)) != null;
  }

  @Override
  public Peer peer(Object self, @Nullable Object argument) {
    return Handshakes.peer(engine(self));
  }
}
