package dev.jinx.agent.weave;

import java.util.List;

/**
 * A class by which a library is recognised, and the classes of that library that are to be hooked:
 * where they are missing beside it, the library is another than the one that is known.
 *
 * @param library the name by which status and documents know the library
 * @param className with slashes; not one that is hooked itself
 * @param expected with slashes; of each list, any
 */
public record Landmark(String library, String className, List<List<String>> expected) {}
