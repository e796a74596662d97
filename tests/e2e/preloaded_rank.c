// A rank that is not Python: prints a line to each stream, a half one, and ends as its rank says.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  const char* rank = getenv("RANK");
  printf("out of %s\n", rank);
  fflush(stdout);
  fprintf(stderr, "err of %s\n", rank);
  if (system("echo child of $RANK") != 0) return 9;
  if (write(STDOUT_FILENO, "half", 4) != 4) return 9;
  return *rank == '1' ? 7 : 0;
}
