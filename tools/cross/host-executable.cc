// On Windows, Node-API is in the executable that loads the addon, which need not be called node.exe: an application may
// bring Node.js under a name of its own. Linked into the addon; called before the first function is looked up.
#include <windows.h>
// In this order.
#include <delayimp.h>

namespace {

FARPROC WINAPI findExecutable(unsigned event, PDelayLoadInfo info) {
  const bool isNode = event == dliNotePreLoadLibrary && __builtin_strcmp(info->szDll, "NODE.EXE") == 0;
  return isNode ? reinterpret_cast<FARPROC>(GetModuleHandleA(nullptr)) : nullptr;
}

}  // namespace

PfnDliHook __pfnDliNotifyHook2 = findExecutable;
