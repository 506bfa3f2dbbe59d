/* The document's XOR training loop in C: what a careful compiler makes of the plain loops.

   cc -Ofast -march=native xor.c -lm && ./a.out [REPEATS [EPOCHS]]     (fastmlp's benchmarks compile and run it)

   Sizes and data are arguments of the loop, as they are in fastmlp. With -DFIXED the compiler knows both, unrolls every loop and even
   folds the sigmoid of the row (0, 0): a bound for code written for this one problem.

   Prints the median seconds of one run and the final error. Weights are those of the golden run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef double training(int epochs, double rate, int N, int I, int H, const double *restrict X, const double *restrict y,
                        double *restrict w1, double *restrict w2, double *restrict hidden, double *restrict dw1, double *restrict dw2);
#ifdef FIXED
static inline __attribute__((always_inline)) training train;
#define CALL train
#else
static training train;
static training *volatile CALL = train; /* the compiler cannot know that this call is the only one, with these sizes */
#endif

static const double X[4 * 2] = {0, 0, 0, 1, 1, 0, 1, 1}, y[4] = {0, 1, 1, 0};
static const double start1[2 * 3] = {0.3916584611674081, 0.32613342035031, 0.09009511024377126,
                                     0.834217749923834,  0.0962116049420304, 0.6475450820972802},
                    start2[3] = {0.5495039883673454, 0.8497405418906123, 0.26531731822433247};

static double train(int epochs, double rate, int N, int I, int H, const double *restrict X, const double *restrict y,
                    double *restrict w1, double *restrict w2, double *restrict hidden, double *restrict dw1, double *restrict dw2)
{
    double error = 0;
    for (int epoch = 0; epoch < epochs; epoch++) {
        for (int n = 0; n < N; n++)
            for (int j = 0; j < H; j++) {
                double z = 0;
                for (int i = 0; i < I; i++)
                    z += X[n * I + i] * w1[i * H + j];
                hidden[n * H + j] = z;
            }
        for (int k = 0; k < N * H; k++) /* a loop of its own, which gcc can vectorise with libmvec's exp */
            hidden[k] = 1 / (1 + exp(-hidden[k]));
        memset(dw1, 0, sizeof *dw1 * I * H);
        memset(dw2, 0, sizeof *dw2 * H);
        error = 0;
        for (int n = 0; n < N; n++) {
            double residual = -y[n];
            for (int j = 0; j < H; j++)
                residual += hidden[n * H + j] * w2[j];
            error += residual * residual / (2 * N);
            for (int j = 0; j < H; j++) {
                double h = hidden[n * H + j], delta = residual * w2[j] * h * (1 - h);
                dw2[j] += residual * h;
                for (int i = 0; i < I; i++)
                    dw1[i * H + j] += X[n * I + i] * delta;
            }
        }
        for (int j = 0; j < H; j++)
            w2[j] -= rate / N * dw2[j];
        for (int k = 0; k < I * H; k++)
            w1[k] -= rate / N * dw1[k];
    }
    return error;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int repeats = argc > 1 ? atoi(argv[1]) : 21, epochs = argc > 2 ? atoi(argv[2]) : 10000;
    double *seconds = repeats > 0 ? malloc(sizeof(double) * repeats) : NULL, error = 0;
    if (!seconds)
        return 1;
    for (int r = 0; r < repeats; r++) {
        double w1[2 * 3], w2[3], hidden[4 * 3], dw1[2 * 3], dw2[3];
        struct timespec a, b;
        memcpy(w1, start1, sizeof w1);
        memcpy(w2, start2, sizeof w2);
        clock_gettime(CLOCK_MONOTONIC, &a);
        error = CALL(epochs, 0.12, 4, 2, 3, X, y, w1, w2, hidden, dw1, dw2);
        clock_gettime(CLOCK_MONOTONIC, &b);
        seconds[r] = (b.tv_sec - a.tv_sec) + 1e-9 * (b.tv_nsec - a.tv_nsec);
    }
    qsort(seconds, repeats, sizeof *seconds, ascending);
    printf("%.9f %.17g\n", seconds[repeats / 2], error);
    free(seconds);
    return 0;
}
