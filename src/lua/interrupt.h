/* Signals that end a program (SIGINT, which is Ctrl-C, SIGTERM and SIGHUP) as Lua errors. Only the program is linked with it, not the module: signals belong to the process. */
#ifndef DUST_LUA_INTERRUPT_H
#define DUST_LUA_INTERRUPT_H

#include <lua.h>

/* Adds to the table on top of the stack, for the main thread of this state, which must be the program's only one:
 *   catch_interrupt([patience])  from now on a signal raises "interrupted" at the next instruction in Lua; of the signals that nothing in
 *                                Lua has seen the one behind `patience` (default 1) ends the program. With patience > 1 that holds for
 *                                Ctrl-C alone. A signal that the program was started with ignoring (nohup) is ignored
 *   hold_interrupts(held)        true: what follows isn't to be cut short, so a signal raises only after hold_interrupts(false)
 *   ignore_interrupt()           from now on Ctrl-C does nothing, SIGTERM and SIGHUP what the system says; one that was not raised yet is forgotten
 *   interrupted() -> boolean, integer?   was there one since catch_interrupt()? The exit status that a shell expects then: 128 + its number
 *   resume                       coroutine.resume, but Ctrl-C reaches what it resumes */
void dust_interrupt_open(lua_State *L);
int dust_interrupt_status(void); /* 128 + the number of the signal since catch_interrupt(); 0: there was none */

#endif
