package dev.jinx.agent.point;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/**
 * A library that another one carries along under a name of its own ("shaded"). An adapter for it is
 * the one for the library itself, in whose constant pool the names are changed as they were there.
 *
 * @param from the package, with dots and one at its end, that the adapter was compiled against
 * @param to what it is called here
 */
record Moved(String from, String to) {

  byte[] rename(byte[] classFile) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(classFile));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(classFile.length * 5 / 4);
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeLong(in.readLong()); // magic and version
    int constants = in.readUnsignedShort();
    out.writeShort(constants);
    for (int i = 1; i < constants; i++) {
      int tag = in.readUnsignedByte();
      out.writeByte(tag);
      switch (tag) {
        case 1 -> out.writeUTF(renamed(in.readUTF()));
        case 5, 6 -> {
          out.writeLong(in.readLong());
          i++; // takes two places (JVMS 4.4.5)
        }
        case 7, 8, 16, 19, 20 -> out.writeShort(in.readShort());
        case 15 -> {
          out.writeByte(in.readByte());
          out.writeShort(in.readShort());
        }
        default -> out.writeInt(in.readInt());
      }
    }
    in.transferTo(out);
    return bytes.toByteArray();
  }

  private String renamed(String text) {
    return text.replace(from, to).replace(from.replace('.', '/'), to.replace('.', '/'));
  }
}
