package dev.jinx.it.http;

import java.util.List;

/**
 * The styles of one library. A class without parameters for its constructor, that may be loaded
 * again beside another version of the library.
 */
public interface ClientLibrary {

  /**
   * @param version for the clients' names
   */
  List<Client> clients(String version);
}
