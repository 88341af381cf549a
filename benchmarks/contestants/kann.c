/* KANN's LSTM, unrolled over T steps, with a loss that is a weighted sum of its outputs.
 *
 * Compiled with KANN's own kann.c and kautodiff.c, and called by kann.py beside this file. What is
 * not here, KANN has: the layer, its gradient, and the threads that share a batch.
 */

#include <stdlib.h>
#include <string.h>

#include "kann.h"

enum { GATES = 4, PER_GATE = 3 };

typedef struct {
    kann_t *cell, *unrolled;
    kad_node_t *weights[GATES][PER_GATE]; /* of the gates i, f, g, o: W, U, b */
    int T, B, H;
} network;

/* A gate is a function of (W x + U h) + b. */
static void note_gate(kad_node_t *gate, kad_node_t **weights)
{
    kad_node_t *sum = gate->child[0], *products = sum->child[0];
    weights[0] = products->child[0]->child[1];
    weights[1] = products->child[1]->child[1];
    weights[2] = sum->child[1];
}

/* h is tanh(c) o, and c is f c0 + g i. */
static void note_weights(network *made, kad_node_t *h)
{
    kad_node_t *c = h->child[0]->child[0];
    note_gate(c->child[1]->child[1], made->weights[0]);
    note_gate(c->child[0]->child[0], made->weights[1]);
    note_gate(c->child[1]->child[0], made->weights[2]);
    note_gate(h->child[1], made->weights[3]);
}

/* xs has T pointers to (B, I), dys T pointers to (B, H); both stay where they are. */
network *network_new(int T, int B, int I, int H, int threads, float **xs, float **dys)
{
    network *made = calloc(1, sizeof *made);
    kad_node_t *x = kad_feed(2, 1, I), *dy = kad_feed(2, 1, H), *h, *loss;
    x->ext_flag |= KANN_F_IN;
    dy->ext_flag |= KANN_F_TRUTH;
    h = kann_layer_lstm(x, H, 0);
    h->ext_flag |= KANN_F_OUT;
    loss = kad_reduce_mean(kad_reduce_sum(kad_mul(h, dy), 1), 0);
    note_weights(made, h);
    made->T = T, made->B = B, made->H = H;
    made->cell = kann_new(loss, 0); /* adds the mean over steps */
    made->unrolled = kann_unroll(made->cell, T);
    kann_feed_bind(made->unrolled, KANN_F_IN, 0, xs);
    kann_feed_bind(made->unrolled, KANN_F_TRUTH, 0, dys);
    kann_set_batch_size(made->unrolled, B);
    kann_mt(made->unrolled, threads, B);
    return made;
}

float *network_weight(network *made, int gate, int which) { return made->weights[gate][which]->x; }

/* The gradient of the mean, over steps and over the batch, of the sum of dy h. */
float *network_gradient(network *made, int gate, int which)
{
    return made->weights[gate][which]->g;
}

void network_forward(network *made) { kann_eval_out(made->unrolled); }

void network_both(network *made) { kann_cost(made->unrolled, 0, 1); }

/* ys is (T, B, H). */
void network_outputs(network *made, float *ys)
{
    int t = 0, j;
    size_t size = (size_t)made->B * made->H;
    for (j = 0; j < made->unrolled->n; ++j) {
        kad_node_t *node = made->unrolled->v[j];
        if (!(node->ext_flag & KANN_F_OUT)) continue;
        kann_copy_mt(made->unrolled, made->B, j);
        memcpy(ys + size * t++, node->x, size * sizeof *ys);
    }
}

void network_delete(network *made)
{
    kann_delete_unrolled(made->unrolled);
    kann_delete(made->cell);
    free(made);
}
