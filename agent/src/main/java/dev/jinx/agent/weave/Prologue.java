package dev.jinx.agent.weave;

import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

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
  private final HookCall call;
  private final boolean frames;

  Prologue(MethodVisitor next, HookCall call, boolean frames) {
    super(Opcodes.ASM9, next);
    this.call = call;
    this.frames = frames;
  }

  @Override
  public void visitCode() {
    super.visitCode();
    Label pass = new Label();
    Label goOn = new Label();
    call.jumpIfShut(goOn);
    call.enter();
    visitInsn(Opcodes.DUP);
    visitJumpInsn(Opcodes.IFNULL, pass);
    call.giveBack();
    visitLabel(pass);
    if (frames) {
      visitFrame(Opcodes.F_SAME1, 0, null, 1, new Object[] {HookCall.FUNCTION});
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
    super.visitMaxs(Math.max(maxStack, HookCall.STACK), maxLocals);
  }
}
