package dev.jinx.agent.weave;

import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/**
 * What every return of a hooked method goes through, for calls that have waited in the kernel since
 * before a fault was armed:
 *
 * <pre>{@code
 * if (JinxGate.isOpen(bits)) {
 *   BiFunction ticket = JinxGate.enter(number, this, result);
 *   if (ticket != null) {
 *     return (R) ticket.apply(this, new Object[] {every argument});
 *   }
 * }
 * return result;
 * }</pre>
 *
 * The method must leave its parameters' variables alone: the frames here tell of nothing else.
 */
final class Epilogue extends MethodVisitor {
  private final HookCall call;
  private final boolean frames;
  private final Label end = new Label();

  Epilogue(MethodVisitor next, HookCall call, boolean frames) {
    super(Opcodes.ASM9, next);
    this.call = call;
    this.frames = frames;
  }

  @Override
  public void visitInsn(int opcode) {
    if (opcode >= Opcodes.IRETURN && opcode <= Opcodes.RETURN) {
      super.visitJumpInsn(Opcodes.GOTO, end);
    } else {
      super.visitInsn(opcode);
    }
  }

  @Override
  public void visitMaxs(int maxStack, int maxLocals) {
    Type result = call.result();
    Label pass = new Label();
    Label shut = new Label();
    Object[] nothing = {};
    Object[] value =
        result.getSort() == Type.VOID ? nothing : new Object[] {HookCall.inFrame(result)};
    Object[] valueAndTicket = new Object[value.length + 1];
    System.arraycopy(value, 0, valueAndTicket, 0, value.length);
    valueAndTicket[value.length] = HookCall.FUNCTION;

    visitLabel(end);
    frame(value);
    call.jumpIfShut(shut);
    call.leave();
    super.visitInsn(Opcodes.DUP);
    visitJumpInsn(Opcodes.IFNULL, pass);
    call.giveBack();
    visitLabel(pass);
    frame(valueAndTicket);
    super.visitInsn(Opcodes.POP);
    visitLabel(shut);
    frame(value);
    super.visitInsn(result.getOpcode(Opcodes.IRETURN));
    super.visitMaxs(Math.max(maxStack, result.getSize() + HookCall.STACK), maxLocals);
  }

  private void frame(Object[] stack) {
    if (frames) {
      Object[] locals = call.locals();
      visitFrame(Opcodes.F_FULL, locals.length, locals, stack.length, stack);
    }
  }
}
