package dev.jinx.agent.weave;

import java.net.URL;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What became of one class that was to be hooked.
 *
 * @param loader the class of its loader; null for the boot loader
 * @param from where it was read from; null where unknown
 * @param missing methods that were expected and are not there
 * @param failure why nothing could be inserted, or null
 */
public record Woven(
    String library,
    String className,
    @Nullable String loader,
    @Nullable URL from,
    List<String> methods,
    List<String> missing,
    @Nullable String failure) {}
