package dev.jinx.agent;

import dev.jinx.agent.weave.Woven;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What was hooked and what could not be, as {@code /v1/status} tells it. */
final class HookReport {
  private static final Pattern VERSION_IN_NAME = Pattern.compile("-(\\d[\\w.+-]*?)\\.jar");

  private HookReport() {}

  /** Classes that are hooked. */
  static List<Map<String, Object>> hooks(List<Woven> woven) {
    List<Map<String, Object>> hooks = new ArrayList<>();
    for (Woven each : woven) {
      if (!each.methods().isEmpty()) {
        Map<String, Object> view = view(each);
        view.put("methods", each.methods().stream().distinct().toList());
        hooks.add(view);
      }
    }
    return hooks;
  }

  /** Classes that were seen but could not be hooked, or not as expected, and why. */
  static List<Map<String, Object>> unhooked(List<Woven> woven) {
    List<Map<String, Object>> unhooked = new ArrayList<>();
    for (Woven each : woven) {
      if (each.failure() != null || !each.missing().isEmpty()) {
        Map<String, Object> view = view(each);
        view.put("reason", reason(each));
        unhooked.add(view);
      }
    }
    return unhooked;
  }

  private static String reason(Woven woven) {
    return woven.failure() != null
        ? "the class could not be changed: " + woven.failure()
        : "expected but not there: " + String.join(", ", woven.missing());
  }

  private static Map<String, Object> view(Woven woven) {
    Map<String, Object> view = new LinkedHashMap<>();
    view.put("library", woven.library());
    String version = version(woven);
    if (version != null) {
      view.put("version", version);
    }
    view.put("class", woven.className().replace('/', '.'));
    view.put("loader", woven.loader() == null ? "boot" : woven.loader());
    return view;
  }

  /** That of the JDK, or what the jar's manifest says, or its name. */
  private static @Nullable String version(Woven woven) {
    URL from = woven.from();
    if (from == null || from.getProtocol().equals("jrt")) {
      return System.getProperty("java.version");
    }
    String text = from.toString();
    String said = manifestVersion(text.endsWith("!/") ? text : "jar:" + text + "!/");
    if (said != null) {
      return said;
    }
    Matcher name = VERSION_IN_NAME.matcher(text);
    String version = null;
    while (name.find()) {
      version = name.group(1);
    }
    return version;
  }

  private static @Nullable String manifestVersion(String jar) {
    try {
      if (new URL(jar).openConnection() instanceof JarURLConnection connection) {
        connection.setUseCaches(false);
        Manifest manifest = connection.getManifest();
        Attributes main = manifest == null ? new Attributes() : manifest.getMainAttributes();
        String version = main.getValue(Attributes.Name.IMPLEMENTATION_VERSION);
        return version != null ? version : main.getValue("Bundle-Version");
      }
    } catch (IOException e) {
      // not a jar
    }
    return null;
  }
}
