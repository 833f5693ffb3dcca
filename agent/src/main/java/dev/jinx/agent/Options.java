package dev.jinx.agent;

import dev.jinx.agent.control.ControlOptions;
import dev.jinx.agent.document.Durations;
import dev.jinx.agent.document.InvalidDocument;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The options of the agent: {@code -javaagent:jinx-agent.jar=key=value,…}, or {@code JINX_KEY} in
 * the environment, or {@code -Djinx.key}; the first named wins.
 *
 * @param port null where none was given; -1 for none at all
 * @param maxDelay nanoseconds
 * @param maxActive {@code Long.MAX_VALUE} for no limit
 */
record Options(
    boolean enabled,
    @Nullable Integer port,
    String host,
    @Nullable String token,
    @Nullable String tokenFile,
    @Nullable String faults,
    long maxDelay,
    int maxFaults,
    long maxActive,
    String log) {

  private static final List<String> KEYS =
      List.of(
          "enabled",
          "port",
          "host",
          "token",
          "tokenFile",
          "faults",
          "maxDelay",
          "maxFaults",
          "maxActive",
          "log");

  /**
   * Reads the options.
   *
   * @throws InvalidDocument naming the option
   */
  static Options read(
      @Nullable String agentArguments, Map<String, String> environment, Map<?, ?> properties) {
    Map<String, String> given = new HashMap<>();
    for (String key : KEYS) {
      Object property = properties.get("jinx." + key);
      String variable = environment.get("JINX_" + underscored(key));
      String value = variable != null ? variable : (String) property;
      if (value != null) {
        given.put(key, value);
      }
    }
    given.putAll(split(agentArguments));
    String enabled = given.getOrDefault("enabled", "true");
    if (!enabled.equals("true") && !enabled.equals("false")) {
      throw new InvalidDocument(
          "enabled", "the option enabled must be true or false, not \"" + enabled + "\"");
    }
    String log = given.getOrDefault("log", "info");
    if (!List.of("off", "warn", "info", "debug").contains(log)) {
      throw new InvalidDocument(
          "log", "the option log must be off, warn, info or debug, not \"" + log + "\"");
    }
    String maxDelay = given.get("maxDelay");
    return new Options(
        enabled.equals("true"),
        port(given.get("port")),
        given.getOrDefault("host", "127.0.0.1"),
        given.get("token"),
        given.get("tokenFile"),
        given.get("faults"),
        maxDelay == null
            ? TimeUnit.MINUTES.toNanos(10)
            : Durations.parse(maxDelay, "the option maxDelay"),
        (int) number("maxFaults", given.get("maxFaults"), 1, 1_000_000, 10_000),
        number("maxActive", given.get("maxActive"), 1, Long.MAX_VALUE, Long.MAX_VALUE),
        log);
  }

  ControlOptions control(String version) {
    return new ControlOptions(version, port, host, token, tokenFile, faults);
  }

  private static Map<String, String> split(@Nullable String agentArguments) {
    Map<String, String> given = new HashMap<>();
    if (agentArguments == null || agentArguments.isBlank()) {
      return given;
    }
    for (String option : agentArguments.split(",", -1)) {
      int equals = option.indexOf('=');
      String key = equals < 0 ? option.strip() : option.substring(0, equals).strip();
      if (!KEYS.contains(key) || equals < 0) {
        throw new InvalidDocument(
            key,
            (equals < 0
                    ? "the option \"" + key + "\" has no value (key=value)"
                    : "unknown option \"" + key + "\"")
                + "; known: "
                + String.join(", ", KEYS));
      }
      given.put(key, option.substring(equals + 1).strip());
    }
    return given;
  }

  private static String underscored(String key) {
    StringBuilder name = new StringBuilder();
    for (int i = 0; i < key.length(); i++) {
      char c = key.charAt(i);
      name.append(Character.isUpperCase(c) ? "_" : "").append(Character.toUpperCase(c));
    }
    return name.toString();
  }

  private static @Nullable Integer port(@Nullable String text) {
    if (text == null) {
      return null;
    }
    return text.equals("off") ? -1 : (int) number("port", text, 0, 65535, 0);
  }

  private static long number(
      String key, @Nullable String text, long min, long max, long otherwise) {
    if (text == null) {
      return otherwise;
    }
    try {
      long number = Long.parseLong(text);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new InvalidDocument(
        key,
        "the option "
            + key
            + " must be a whole number from "
            + min
            + " to "
            + max
            + ", not \""
            + text
            + "\"");
  }
}
