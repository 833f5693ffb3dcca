package dev.jinx.agent.fault;

import dev.jinx.agent.call.CallReader.TextMatcher;
import dev.jinx.agent.document.InvalidDocument;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * What a target asks of one field: any of several patterns, none of those with a leading {@code ^}.
 * A pattern is a literal, a glob ({@code *} within a segment, {@code **} across), or {@code /…/}, a
 * regular expression that is searched for.
 */
final class TextPattern implements TextMatcher {

  private final List<TextMatcher> any = new ArrayList<>();
  private final List<TextMatcher> none = new ArrayList<>();
  private final List<String> source;

  /**
   * @param separator the character that a single {@code *} does not cross; 0 for none
   */
  TextPattern(List<String> patterns, char separator, boolean ignoreCase, String path) {
    this.source = patterns;
    for (String pattern : patterns) {
      boolean exclude = pattern.startsWith("^");
      (exclude ? none : any)
          .add(one(exclude ? pattern.substring(1) : pattern, separator, ignoreCase, path));
    }
  }

  private static TextMatcher one(String pattern, char separator, boolean ignoreCase, String path) {
    if (pattern.isEmpty()) {
      throw new InvalidDocument(
          path, path + " must not be an empty text; leave it out to accept anything");
    }
    // a path alone has a separator, and begins with a slash itself: there only "/…/" with something
    // special in it is one
    if (pattern.length() > 2
        && pattern.startsWith("/")
        && pattern.endsWith("/")
        && (separator == 0 || special(pattern))) {
      return regularExpression(pattern.substring(1, pattern.length() - 1), ignoreCase, path);
    }
    if (pattern.indexOf('*') < 0) {
      return ignoreCase ? pattern::equalsIgnoreCase : pattern::equals;
    }
    return text -> text != null && glob(pattern, 0, text, 0, separator, ignoreCase);
  }

  private static boolean special(String pattern) {
    return pattern.chars().anyMatch(c -> "^$.|?+()[]{}\\".indexOf(c) >= 0);
  }

  private static TextMatcher regularExpression(String expression, boolean ignoreCase, String path) {
    try {
      Pattern compiled = Pattern.compile(expression, ignoreCase ? Pattern.CASE_INSENSITIVE : 0);
      return text -> text != null && compiled.matcher(text).find();
    } catch (PatternSyntaxException e) {
      throw new InvalidDocument(
          path,
          path
              + " is not a regular expression: "
              + e.getDescription()
              + " in /"
              + expression
              + "/");
    }
  }

  private static boolean glob(
      String pattern, int p, String text, int t, char separator, boolean ignoreCase) {
    while (p < pattern.length()) {
      char c = pattern.charAt(p);
      if (c == '*') {
        boolean across = p + 1 < pattern.length() && pattern.charAt(p + 1) == '*';
        int rest = p + (across ? 2 : 1);
        for (int end = t; end <= text.length(); end++) {
          if (glob(pattern, rest, text, end, separator, ignoreCase)) {
            return true;
          }
          if (end < text.length() && !across && text.charAt(end) == separator) {
            return false;
          }
        }
        return false;
      }
      if (t == text.length() || !same(c, text.charAt(t), ignoreCase)) {
        return false;
      }
      p++;
      t++;
    }
    return t == text.length();
  }

  private static boolean same(char a, char b, boolean ignoreCase) {
    return a == b || (ignoreCase && Character.toLowerCase(a) == Character.toLowerCase(b));
  }

  @Override
  public boolean matches(@Nullable String text) {
    for (int i = 0; i < none.size(); i++) {
      if (none.get(i).matches(text)) {
        return false;
      }
    }
    for (int i = 0; i < any.size(); i++) {
      if (any.get(i).matches(text)) {
        return true;
      }
    }
    return any.isEmpty();
  }

  /** As it stood in the document. */
  @Override
  public String toString() {
    return source.size() == 1 ? source.get(0) : source.toString();
  }
}
