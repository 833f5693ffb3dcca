package dev.jinx.agent.control;

import dev.jinx.agent.document.InvalidDocument;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;

/**
 * Documents as plain trees: {@code Map} in the order of the text, {@code List}, {@code String},
 * {@code Integer}, {@code Long}, {@code Double}, {@code Boolean}, null. Reads strictly: a field
 * given twice, anything after the document, comments and the like are errors.
 */
public final class Json {
  private static final int MAX_DEPTH = 50;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(100)
                  .maxNameLength(1000)
                  .build())
          .build();

  private Json() {}

  /**
   * Reads one document.
   *
   * @throws InvalidDocument with line and column
   */
  public static @Nullable Object read(String text) {
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
      JsonToken first = parser.nextToken();
      if (first == null) {
        throw new InvalidDocument("", "not JSON: the document is empty");
      }
      Object value = value(parser, first);
      if (parser.nextToken() != null) {
        throw malformed(parser, "something follows the end of the document");
      }
      return value;
    } catch (JacksonException e) {
      // where a bracket was opened is of no use without the source, which the parser keeps to
      // itself
      String message = e.getOriginalMessage().replaceAll(" \\(start marker at .*\\)", "");
      throw new InvalidDocument("", "not JSON: " + message + at(e.getLocation()));
    }
  }

  /** Empty where a limit was passed: that has no place. */
  private static String at(@Nullable TokenStreamLocation at) {
    return at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")";
  }

  private static InvalidDocument malformed(JsonParser parser, String what) {
    return new InvalidDocument("", "not JSON: " + what + at(parser.currentTokenLocation()));
  }

  private static @Nullable Object value(JsonParser parser, JsonToken token) {
    return switch (token) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          object.put(name, value(parser, parser.nextToken()));
        }
        yield object;
      }
      case START_ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        for (JsonToken next = parser.nextToken();
            next != JsonToken.END_ARRAY;
            next = parser.nextToken()) {
          list.add(value(parser, next));
        }
        yield list;
      }
      case VALUE_STRING -> parser.getString();
      case VALUE_NUMBER_INT -> {
        Number number = parser.getNumberValue();
        if (number instanceof Integer || number instanceof Long) {
          yield number;
        }
        throw malformed(parser, "a number too large");
      }
      case VALUE_NUMBER_FLOAT -> {
        double number = parser.getDoubleValue();
        if (Double.isFinite(number)) {
          yield number;
        }
        throw malformed(parser, "a number too large");
      }
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw malformed(parser, "an unexpected " + token);
    };
  }

  /** Writes a tree in one line. */
  public static String write(@Nullable Object tree) {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
      write(generator, tree);
    }
    return text.toString();
  }

  private static void write(JsonGenerator generator, @Nullable Object value) {
    if (value == null) {
      generator.writeNull();
    } else if (value instanceof Map<?, ?> object) {
      generator.writeStartObject();
      object.forEach(
          (name, each) -> {
            generator.writeName(String.valueOf(name));
            write(generator, each);
          });
      generator.writeEndObject();
    } else if (value instanceof Iterable<?> list) {
      generator.writeStartArray();
      list.forEach(each -> write(generator, each));
      generator.writeEndArray();
    } else if (value instanceof Boolean truth) {
      generator.writeBoolean(truth);
    } else if (value instanceof Double || value instanceof Float) {
      generator.writeNumber(((Number) value).doubleValue());
    } else if (value instanceof Number number) {
      generator.writeNumber(number.longValue());
    } else {
      generator.writeString(value.toString());
    }
  }
}
