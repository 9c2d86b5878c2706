#include "base/clones.h" /* moved */
