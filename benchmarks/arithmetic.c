/* Arithmetic in registers alone: what two threads of a machine give, without memory, Python or locks. */
double arithmetic(long rounds)
{
    double x[32];
    for (int i = 0; i < 32; i++) x[i] = 1.0 + 1e-3 * i;
    for (long round = 0; round < rounds; round++)
        for (int i = 0; i < 32; i++) x[i] = x[i] * 0.999999 + 1e-7;
    double sum = 0.0;
    for (int i = 0; i < 32; i++) sum += x[i];
    return sum;
}
