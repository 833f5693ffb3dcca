package dev.jinx.agent.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The words of a command line.
 *
 * @param command empty for none
 * @param operands what follows the command
 * @param options {@code --pid}, {@code --url}, {@code --token}, and {@code --help}
 */
record Arguments(String command, List<String> operands, Map<String, String> options) {
  private static final Set<String> WITH_VALUE = Set.of("--pid", "--url", "--token");

  static Arguments read(String[] words) throws Failed {
    List<String> plain = new ArrayList<>();
    Map<String, String> options = new HashMap<>();
    for (int i = 0; i < words.length; i++) {
      String word = words[i];
      int equals = word.indexOf('=');
      String name = equals < 0 ? word : word.substring(0, equals);
      if (word.equals("--help") || word.equals("-h")) {
        options.put("--help", "");
      } else if (!word.startsWith("--")) {
        plain.add(word);
      } else if (!WITH_VALUE.contains(name)) {
        throw new Failed(Failed.USAGE, "unknown option " + word + "; --help tells what there is");
      } else if (equals >= 0) {
        options.put(name, word.substring(equals + 1));
      } else if (++i < words.length) {
        options.put(name, words[i]);
      } else {
        throw new Failed(Failed.USAGE, name + " needs a value");
      }
    }
    return plain.isEmpty()
        ? new Arguments("", plain, options)
        : new Arguments(plain.get(0), plain.subList(1, plain.size()), options);
  }

  @Nullable String option(String name) {
    return options.get(name);
  }

  boolean wantsHelp() {
    return options.containsKey("--help");
  }

  /** Refuses more operands than that. */
  void atMost(int count) throws Failed {
    if (operands.size() > count) {
      throw new Failed(Failed.USAGE, command + ": one word too many: " + operands.get(count));
    }
  }

  /** The one operand. */
  String operand(String what) throws Failed {
    atMost(1);
    if (operands.isEmpty()) {
      throw new Failed(Failed.USAGE, command + " needs " + what);
    }
    return operands.get(0);
  }
}
