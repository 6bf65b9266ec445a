// Loads an addon where the C library is musl: every name that it asks for must be found at once, Node-API's among those of
// this program, and it must register itself with properties. Links with functions of Node-API that do nothing.
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>

static size_t defined;

int napi_define_properties(void* env, void* object, size_t count, const void* properties) {
  (void)env, (void)object, (void)properties;
  defined += count;
  return 0;
}

int main(int count, char** paths) {
  for (int n = 1; n < count; n++) {
    void* addon = dlopen(paths[n], RTLD_NOW);
    void* (*initialize)(void*, void*) = addon ? (void* (*)(void*, void*))dlsym(addon, "napi_register_module_v1") : NULL;
    if (!initialize) return fprintf(stderr, "%s\n", dlerror()), 1;
    defined = 0;
    initialize(NULL, NULL);
    if (defined == 0) return fprintf(stderr, "%s registered nothing\n", paths[n]), 1;
  }
}
