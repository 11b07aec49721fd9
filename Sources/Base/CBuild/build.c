#include "build.h"

const char *build_commit(void) { return FAIRLEAD_COMMIT; }
