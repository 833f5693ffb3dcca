package dev.jinx.junit;

import dev.jinx.Fault;
import dev.jinx.FaultInjection;
import dev.jinx.Jinx;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;

/** An {@link InjectFault} as the fault that it stands for. */
final class Annotated {

  private static final Set<String> KINDS = Set.of("http", "jdbc", "socket", "dns", "tls", "json");

  /** The attributes whose value stands in the document as it is. */
  private static final Map<String, String> FIELDS =
      Map.ofEntries(
          Map.entry("port", "target.port"),
          Map.entry("method", "target.method"),
          Map.entry("path", "target.path"),
          Map.entry("client", "target.client"),
          Map.entry("operation", "target.operation"),
          Map.entry("statement", "target.statement"),
          Map.entry("table", "target.table"),
          Map.entry("latency", "effect.latency"),
          Map.entry("bandwidth", "effect.bandwidth"),
          Map.entry("first", "selection.first"),
          Map.entry("skip", "selection.after"),
          Map.entry("every", "selection.every"),
          Map.entry("rate", "selection.rate"),
          Map.entry("seed", "selection.seed"),
          Map.entry("ttl", "ttl"));

  private final InjectFault annotation;
  private final Map<String, Object> given;

  Annotated(InjectFault annotation) {
    this.annotation = annotation;
    this.given = given(annotation);
  }

  boolean required() {
    return annotation.required();
  }

  /**
   * Arms the fault.
   *
   * @param id its name, unless it is a document of its own
   * @throws ExtensionConfigurationException for an annotation that stands for no fault, or for one
   *     that the agent refuses
   */
  FaultInjection inject(String id) {
    try {
      if (KINDS.stream().filter(given::containsKey).count() != 1) {
        throw new IllegalArgumentException("give one of http, jdbc, socket, dns, tls and json");
      }
      return given.containsKey("json") ? injectJson() : Jinx.inject(fault().id(id));
    } catch (IllegalArgumentException e) {
      throw new ExtensionConfigurationException(this + ": " + e.getMessage(), e);
    }
  }

  private FaultInjection injectJson() {
    if (!Set.of("json", "required").containsAll(given.keySet())) {
      throw new IllegalArgumentException("json is the whole fault; only required goes with it");
    }
    return Jinx.inject(annotation.json());
  }

  private Fault<?> fault() {
    Fault<?> fault =
        given.containsKey("http")
            ? Jinx.http(annotation.http())
            : given.containsKey("jdbc")
                ? Jinx.jdbc(annotation.jdbc())
                : given.containsKey("socket")
                    ? Jinx.socket(annotation.socket())
                    : given.containsKey("dns")
                        ? Jinx.dns(annotation.dns())
                        : Jinx.tls(annotation.tls());
    Map<String, Object> response = new TreeMap<>();
    if (given.containsKey("response")) {
      response.put("status", annotation.response());
    }
    if (given.containsKey("body")) {
      response.put("body", annotation.body());
    }
    if (!response.isEmpty()) {
      fault = fault.with("effect.response", response);
    }
    if (annotation.error().length > 1) {
      throw new IllegalArgumentException("a call fails with one error, not with several");
    } else if (annotation.error().length == 1) {
      fault = fault.error(annotation.error()[0]);
    }
    if (annotation.drop()) {
      fault = fault.drop();
    }
    for (String cut : List.of("reset", "limit")) {
      if (given.containsKey(cut)) {
        fault = fault.with("effect." + cut, Map.of("after", given.get(cut)));
      }
    }
    if (annotation.afterCall()) {
      fault = fault.afterCall();
    }
    for (Map.Entry<String, Object> attribute : given.entrySet()) {
      String field = FIELDS.get(attribute.getKey());
      if (field != null) {
        fault = fault.with(field, attribute.getValue());
      }
    }
    return fault;
  }

  /** The attributes that differ from their defaults; of an array its elements, or its only one. */
  private static Map<String, Object> given(InjectFault annotation) {
    Map<String, Object> given = new TreeMap<>();
    for (Method attribute : InjectFault.class.getDeclaredMethods()) {
      Object value;
      try {
        value = attribute.invoke(annotation);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
      if (!Objects.deepEquals(value, attribute.getDefaultValue())) {
        given.put(attribute.getName(), value.getClass().isArray() ? elements(value) : value);
      }
    }
    return given;
  }

  private static Object elements(Object array) {
    List<Object> elements = new ArrayList<>();
    for (int i = 0; i < Array.getLength(array); i++) {
      elements.add(Array.get(array, i));
    }
    return elements.size() == 1 ? elements.get(0) : elements;
  }

  /** As it was written, more or less. */
  @Override
  public String toString() {
    return given.entrySet().stream()
        .map(
            e ->
                e.getKey()
                    + " = "
                    + (e.getValue() instanceof String s ? '"' + s + '"' : e.getValue()))
        .collect(Collectors.joining(", ", "@InjectFault(", ")"));
  }
}
