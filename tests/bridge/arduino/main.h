#pragma once
int main() {
  setup();
  for (int step = 0; step < 1200; step++) { elapsed_us += 500; loop(); }
}
