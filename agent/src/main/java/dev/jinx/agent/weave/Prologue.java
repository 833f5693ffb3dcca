package dev.jinx.agent.weave;

import org.jspecify.annotations.Nullable;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * What is inserted at the start of a hooked method:
 *
 * <pre>{@code
 * if (JinxGate.isOpen(bits)) {
 *   BiFunction ticket = JinxGate.enter(number, this, argument);
 *   if (ticket != null) {
 *     return (R) ticket.apply(this, new Object[] {every argument});
 *   }
 * }
 * }</pre>
 *
 * No local variable, so that the frames behind it stay as they are.
 */
final class Prologue extends MethodVisitor {
  private static final String FUNCTION = "java/util/function/BiFunction";

  private final String className;
  private final MethodHook hook;
  private final int number;
  private final boolean isStatic;
  private final boolean frames;
  private final Type[] parameters;

  Prologue(
      MethodVisitor next,
      String className,
      MethodHook hook,
      int number,
      boolean isStatic,
      boolean frames) {
    super(Opcodes.ASM9, next);
    this.className = className;
    this.hook = hook;
    this.number = number;
    this.isStatic = isStatic;
    this.frames = frames;
    this.parameters = Type.getArgumentTypes(hook.descriptor());
  }

  @Override
  public void visitCode() {
    super.visitCode();
    Label pass = new Label();
    Label goOn = new Label();
    visitLdcInsn(hook.bits());
    visitMethodInsn(Opcodes.INVOKESTATIC, Gate.CLASS, "isOpen", "(J)Z", false);
    visitJumpInsn(Opcodes.IFEQ, goOn);
    visitLdcInsn(number);
    if (hook.argument() == MethodHook.FIRST_TWO) {
      boxed(0);
      boxed(1);
    } else {
      self();
      if (hook.argument() == MethodHook.ALL) {
        arguments();
      } else if (hook.argument() < 0) {
        visitInsn(Opcodes.ACONST_NULL);
      } else {
        boxed(hook.argument());
      }
    }
    visitMethodInsn(
        Opcodes.INVOKESTATIC,
        Gate.CLASS,
        "enter",
        "(ILjava/lang/Object;Ljava/lang/Object;)Ljava/util/function/BiFunction;",
        false);
    visitInsn(Opcodes.DUP);
    visitJumpInsn(Opcodes.IFNULL, pass);
    self();
    arguments();
    visitMethodInsn(
        Opcodes.INVOKEINTERFACE,
        FUNCTION,
        "apply",
        "(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;",
        true);
    giveBack();
    visitLabel(pass);
    if (frames) {
      visitFrame(Opcodes.F_SAME1, 0, null, 1, new Object[] {FUNCTION});
    }
    visitInsn(Opcodes.POP);
    visitLabel(goOn);
    if (frames) {
      visitFrame(Opcodes.F_SAME, 0, null, 0, null);
      // a loop may begin here, with a frame of its own
      visitInsn(Opcodes.NOP);
    }
  }

  @Override
  public void visitMaxs(int maxStack, int maxLocals) {
    super.visitMaxs(Math.max(maxStack, 8), maxLocals);
  }

  private void self() {
    if (isStatic) {
      visitLdcInsn(Type.getObjectType(className));
    } else {
      visitVarInsn(Opcodes.ALOAD, 0);
    }
  }

  private void arguments() {
    visitIntInsn(Opcodes.BIPUSH, parameters.length);
    visitTypeInsn(Opcodes.ANEWARRAY, "java/lang/Object");
    for (int i = 0; i < parameters.length; i++) {
      visitInsn(Opcodes.DUP);
      visitIntInsn(Opcodes.BIPUSH, i);
      boxed(i);
      visitInsn(Opcodes.AASTORE);
    }
  }

  private void boxed(int parameter) {
    int slot = isStatic ? 0 : 1;
    for (int i = 0; i < parameter; i++) {
      slot += parameters[i].getSize();
    }
    Type type = parameters[parameter];
    visitVarInsn(type.getOpcode(Opcodes.ILOAD), slot);
    String wrapper = wrapper(type);
    if (wrapper != null) {
      visitMethodInsn(
          Opcodes.INVOKESTATIC,
          wrapper,
          "valueOf",
          "(" + type.getDescriptor() + ")L" + wrapper + ";",
          false);
    }
  }

  private void giveBack() {
    Type type = Type.getReturnType(hook.descriptor());
    String wrapper = wrapper(type);
    if (type.getSort() == Type.VOID) {
      visitInsn(Opcodes.POP);
    } else if (wrapper == null) {
      visitTypeInsn(Opcodes.CHECKCAST, type.getInternalName());
    } else {
      visitTypeInsn(Opcodes.CHECKCAST, wrapper);
      visitMethodInsn(
          Opcodes.INVOKEVIRTUAL,
          wrapper,
          type.getClassName() + "Value",
          "()" + type.getDescriptor(),
          false);
    }
    visitInsn(type.getOpcode(Opcodes.IRETURN));
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
