package dev.jinx.agent.weave;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import java.lang.instrument.Instrumentation;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.Exchanger;
import java.util.concurrent.Phaser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LoadedClassesTest {

  /** Hooks one class at once, another only on demand, and knows a third as a landmark. */
  private static final Catalogue CATALOGUE =
      new Catalogue() {
        @Override
        public boolean mayConcern(String className) {
          return hooks(className) != null || landmark(className) != null;
        }

        @Override
        public @Nullable ClassHooks hooks(String className) {
          return switch (className) {
            case "java/net/Socket", "java/net/ServerSocket" ->
                new ClassHooks("jdk", className, List.of());
            case "java/util/concurrent/Exchanger" -> new ClassHooks("jdk", className, List.of(), 1);
            default -> null;
          };
        }

        @Override
        public @Nullable Landmark landmark(String className) {
          return className.equals("java/util/concurrent/Phaser")
              ? new Landmark("jdk", className, List.of())
              : null;
        }

        @Override
        public long onDemand() {
          return 1;
        }

        @Override
        public @Nullable ClassHooks find(
            String className, @Nullable String superName, String[] interfaces) {
          return null;
        }
      };

  @Test
  void onlyWhatHasSlippedThroughIsMended() throws Exception {
    Instrumentation jvm = mock();
    when(jvm.getAllLoadedClasses())
        .thenReturn(
            new Class<?>[] {
              Socket.class, ServerSocket.class, Exchanger.class, Phaser.class, String.class
            });
    when(jvm.isModifiableClass(any())).thenReturn(true);
    WovenClasses woven = new WovenClasses();
    woven.note(new Woven("jdk", "java/net/Socket", null, null, List.of(), List.of(), null));

    new LoadedClasses(jvm, CATALOGUE, woven).mend();

    verify(jvm).retransformClasses(ServerSocket.class);
    verify(jvm, times(1)).retransformClasses(any());
  }
}
