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
 * A pattern is a literal, a network ({@code 10.0.0.0/8}), a glob ({@code *} within a segment,
 * {@code **} across), or {@code /…/}, a regular expression that is searched for.
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
    TextMatcher network = Cidr.of(pattern);
    if (network != null) {
      return network;
    }
    if (pattern.indexOf('*') < 0) {
      return ignoreCase ? pattern::equalsIgnoreCase : pattern::equals;
    }
    TextMatcher glob = text -> text != null && glob(pattern, text, separator, ignoreCase);
    if (separator == 0 || pattern.length() <= 3 || !pattern.endsWith(separator + "**")) {
      return glob;
    }
    // "/charges/**" is all of /charges, itself included
    String itself = pattern.substring(0, pattern.length() - 3);
    TextMatcher top = one(itself, separator, ignoreCase, path);
    return text -> glob.matches(text) || top.matches(text);
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

  /**
   * Steps back to the last star only: whatever an earlier one could take instead, the last can. But
   * a single star stops at a separator, so that the last double star is kept beside it.
   */
  private static boolean glob(String pattern, String text, char separator, boolean ignoreCase) {
    int p = 0;
    int t = 0;
    int afterStar = -1;
    int starTo = 0;
    int afterDouble = -1;
    int doubleTo = 0;
    while (p < pattern.length() || t < text.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        boolean across = separator == 0 || pattern.startsWith("**", p);
        p += pattern.startsWith("**", p) ? 2 : 1;
        if (across) {
          afterDouble = p;
          doubleTo = t;
          afterStar = -1;
        } else {
          afterStar = p;
          starTo = t;
        }
      } else if (p < pattern.length()
          && t < text.length()
          && same(pattern.charAt(p), text.charAt(t), ignoreCase)) {
        p++;
        t++;
      } else if (afterStar >= 0 && starTo < text.length() && text.charAt(starTo) != separator) {
        p = afterStar;
        t = ++starTo;
      } else if (afterDouble >= 0 && doubleTo < text.length()) {
        p = afterDouble;
        t = ++doubleTo;
        afterStar = -1;
      } else {
        return false;
      }
    }
    return true;
  }

  private static boolean same(char a, char b, boolean ignoreCase) {
    return a == b || (ignoreCase && Character.toLowerCase(a) == Character.toLowerCase(b));
  }

  @Override
  public boolean matches(@Nullable String text) {
    return !isIn(none, text) && (any.isEmpty() || isIn(any, text));
  }

  @Override
  public boolean matches(@Nullable String text, @Nullable String other) {
    return !isIn(none, text)
        && !isIn(none, other)
        && (any.isEmpty() || isIn(any, text) || isIn(any, other));
  }

  private static boolean isIn(List<TextMatcher> patterns, @Nullable String text) {
    for (int i = 0; i < patterns.size(); i++) {
      if (patterns.get(i).matches(text)) {
        return true;
      }
    }
    return false;
  }

  /** As it stood in the document. */
  @Override
  public String toString() {
    return source.size() == 1 ? source.get(0) : source.toString();
  }
}
