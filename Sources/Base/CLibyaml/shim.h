// libyaml's parser. Debian: libyaml-dev.
#include <yaml.h>
