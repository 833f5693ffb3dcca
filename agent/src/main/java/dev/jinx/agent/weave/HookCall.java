package dev.jinx.agent.weave;

import org.jspecify.annotations.Nullable;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/** The question to a hook's handler, and its answer, as byte code. */
final class HookCall {
  static final String FUNCTION = "java/util/function/BiFunction";

  /** The most that it has on the operand stack, beside what is there already. */
  static final int STACK = 8;

  private final MethodVisitor code;
  private final String className;
  private final MethodHook hook;
  private final int number;
  private final boolean isStatic;
  private final Type[] parameters;

  HookCall(MethodVisitor code, String className, MethodHook hook, int number, boolean isStatic) {
    this.code = code;
    this.className = className;
    this.hook = hook;
    this.number = number;
    this.isStatic = isStatic;
    this.parameters = Type.getArgumentTypes(hook.descriptor());
  }

  Type result() {
    return Type.getReturnType(hook.descriptor());
  }

  /** Goes to that label where no fault is armed that opens the gate for the hook. */
  void jumpIfShut(Label label) {
    code.visitLdcInsn(hook.bits());
    code.visitMethodInsn(Opcodes.INVOKESTATIC, Gate.CLASS, "isOpen", "(J)Z", false);
    code.visitJumpInsn(Opcodes.IFEQ, label);
  }

  /** Asks about a call that begins; leaves the ticket. */
  void enter() {
    code.visitLdcInsn(number);
    if (hook.argument() == MethodHook.FIRST_TWO) {
      boxed(0);
      boxed(1);
    } else {
      self();
      if (hook.argument() == MethodHook.ALL) {
        arguments();
      } else if (hook.argument() < 0) {
        code.visitInsn(Opcodes.ACONST_NULL);
      } else {
        boxed(hook.argument());
      }
    }
    ask();
  }

  /** Asks about a call whose result is on the stack; leaves it there, and the ticket above it. */
  void leave() {
    Type result = result();
    if (result.getSort() == Type.VOID) {
      code.visitInsn(Opcodes.ACONST_NULL);
    } else {
      code.visitInsn(result.getSize() == 2 ? Opcodes.DUP2 : Opcodes.DUP);
      box(result);
    }
    code.visitLdcInsn(number);
    code.visitInsn(Opcodes.SWAP);
    self();
    code.visitInsn(Opcodes.SWAP);
    ask();
  }

  private void ask() {
    code.visitMethodInsn(
        Opcodes.INVOKESTATIC,
        Gate.CLASS,
        "enter",
        "(ILjava/lang/Object;Ljava/lang/Object;)Ljava/util/function/BiFunction;",
        false);
  }

  /** Returns what the ticket on the stack gives. */
  void giveBack() {
    self();
    arguments();
    code.visitMethodInsn(
        Opcodes.INVOKEINTERFACE,
        FUNCTION,
        "apply",
        "(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;",
        true);
    Type type = result();
    String wrapper = wrapper(type);
    if (type.getSort() == Type.VOID) {
      code.visitInsn(Opcodes.POP);
    } else if (wrapper == null) {
      code.visitTypeInsn(Opcodes.CHECKCAST, type.getInternalName());
    } else {
      code.visitTypeInsn(Opcodes.CHECKCAST, wrapper);
      code.visitMethodInsn(
          Opcodes.INVOKEVIRTUAL,
          wrapper,
          type.getClassName() + "Value",
          "()" + type.getDescriptor(),
          false);
    }
    code.visitInsn(type.getOpcode(Opcodes.IRETURN));
  }

  /** The types of the object and of the parameters, as a frame has them. */
  Object[] locals() {
    int first = isStatic ? 0 : 1;
    Object[] locals = new Object[first + parameters.length];
    if (!isStatic) {
      locals[0] = className;
    }
    for (int i = 0; i < parameters.length; i++) {
      locals[first + i] = inFrame(parameters[i]);
    }
    return locals;
  }

  static Object inFrame(Type type) {
    return switch (type.getSort()) {
      case Type.BOOLEAN, Type.CHAR, Type.BYTE, Type.SHORT, Type.INT -> Opcodes.INTEGER;
      case Type.LONG -> Opcodes.LONG;
      case Type.FLOAT -> Opcodes.FLOAT;
      case Type.DOUBLE -> Opcodes.DOUBLE;
      default -> type.getInternalName();
    };
  }

  private void self() {
    if (isStatic) {
      code.visitLdcInsn(Type.getObjectType(className));
    } else {
      code.visitVarInsn(Opcodes.ALOAD, 0);
    }
  }

  private void arguments() {
    code.visitIntInsn(Opcodes.BIPUSH, parameters.length);
    code.visitTypeInsn(Opcodes.ANEWARRAY, "java/lang/Object");
    for (int i = 0; i < parameters.length; i++) {
      code.visitInsn(Opcodes.DUP);
      code.visitIntInsn(Opcodes.BIPUSH, i);
      boxed(i);
      code.visitInsn(Opcodes.AASTORE);
    }
  }

  private void boxed(int parameter) {
    int slot = isStatic ? 0 : 1;
    for (int i = 0; i < parameter; i++) {
      slot += parameters[i].getSize();
    }
    Type type = parameters[parameter];
    code.visitVarInsn(type.getOpcode(Opcodes.ILOAD), slot);
    box(type);
  }

  private void box(Type type) {
    String wrapper = wrapper(type);
    if (wrapper != null) {
      code.visitMethodInsn(
          Opcodes.INVOKESTATIC,
          wrapper,
          "valueOf",
          "(" + type.getDescriptor() + ")L" + wrapper + ";",
          false);
    }
  }

  private static @Nullable String wrapper(Type type) {
    return switch (type.getSort()) {
      case Type.BOOLEAN -> "java/lang/Boolean";
      case Type.CHAR -> "java/lang/Character";
      case Type.BYTE -> "java/lang/Byte";
      case Type.SHORT -> "java/lang/Short";
      case Type.INT -> "java/lang/Integer";
      case Type.LONG -> "java/lang/Long";
      case Type.FLOAT -> "java/lang/Float";
      case Type.DOUBLE -> "java/lang/Double";
      default -> null;
    };
  }
}
