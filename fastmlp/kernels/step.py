"""The phases of one step of mini-batch training, run by one thread or by a team.

Between two barriers a thread writes only its own share: units of a layer in the products, lanes in the loss, rows of W in the update.
Each thread gathers its own inputs, because fetching a cache line that another core has just written costs more than gathering it again.

Once the team is stopped, products end unfinished and the work that follows them is skipped. A thread that sees the stop passes a barrier
before any result of an unfinished product is used. All threads therefore see the stop before any of them changes the parameters, and the
parameters stay as they were.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import clock
from .access import load, peek, store, width
from .activations import activate
from .barrier import ABANDONED, barrier, share
from .clock import lap, lap_of_tiles
from .dropout import Masks, drop
from .gather import Batch, gather, gather_targets
from .jit import kernel
from .losses import losses_and_deltas, mark_hits
from .network import biases_of, delta_rows, features, padded, scratch_of, weights_of
from .optimizers import ADAM, GRADIENT_ONLY, SGD, Update, update
from .parts import inputs_of, needed, parts_needed, parts_of, share_of_part
from .products import Terms, affine, backproject, in_every_tile, is_narrow, outer, outer_narrow
from .rows import by_sample, sum_rows
from .tile import ADD, ASSIGN, MR
from .views import Block, Span, from_row
from .zeros import NEARLY_ALL, find_active, find_used, list_step

PIECE = 1 << 20  # elements of a layer between two checks whether the team is stopped: a few milliseconds
SUMS = 5  # the number of sums kept for an epoch
# Lists of samples pay if less than this share of the inputs of a batch is non-zero, since the inputs of a tile are rarely zero together.
LISTED = 0.75


class Step(NamedTuple):
    """The values that change from step to step."""

    number: int  # the number of updates, including this one
    rate: float  # the learning rate
    key: int  # of the dropout masks
    sums: np.ndarray  # (SUMS,): the sums of `train_epochs` so far, to which those of the batch are added


@kernel
def load_samples(net, work, data, batch, team):
    """Gather samples into this thread's x[0]; thread 0 also gathers the targets and the weights."""
    start, _ = share(batch.B, width(work.x), team)
    inputs = needed(net.sizes[0], team)
    gather(features(work.x, work, 0, team, batch.B), data.samples, batch, inputs, start, data.scale, team.stop)
    lap(team, clock.GATHER, 0, 0)
    if team.thread == 0:
        gather_targets(work.targets, data.targets, batch, net.sizes[-1])
        gather_weights(work.scores.weight[: batch.B], data, batch)
    lap(team, clock.TARGETS, 0, 0)


@kernel
def gather_weights(out, data, batch):
    """Gather the weights of the samples, and 0 for lanes that hold no sample."""
    out[: batch.size], out[batch.size :] = 1, 0
    if data.weights.size > 0:
        for n, row in enumerate(batch.order[batch.at :][: batch.size]):
            out[n] = data.weights[row]


@kernel
def weight_of(data, batch):
    """Return the sum of the weights of a batch."""
    total = float(batch.size)
    if data.weights.size > 0:
        total = 0.0
        for row in batch.order[batch.at :][: batch.size]:
            total += data.weights[row]
    return total


@kernel
def forward(net, work, w, B, masks, team):
    """Compute x[1] to x[L] from x[0], and the slopes. The function ends with a barrier."""
    if net.dropout[0] > 0:
        first, last = needed(net.sizes[0], team)
        drop(features(work.x, work, 0, team, B), features(work.delta, work, 0, team, B), first, last, net.dropout[0], masks, 0)
        lap(team, clock.DROPOUT, 0, 0)
    for l in range(len(net.W_at)):
        first, last = share(net.sizes[l + 1], MR, team)
        z, slope = features(work.x, work, l + 1, team, B), features(work.delta, work, l + 1, team, B)
        if l == 0:
            first_products(net, work, w, B, team)
            if parts_of(0, net.sizes[0]) > 1:
                barrier(team)
                add(z, slope, first, last)
                lap(team, clock.SUM_OF_HALVES, 1, 0)
        else:
            x, inputs, outputs = features(work.x, work, l, team, B), Span(work.every, 0, net.sizes[l]), Span(work.every, first, last)
            affine(z, weights_of(net, w, l), biases_of(net, w, l), x, inputs, outputs, scratch_of(work, team), team.stop)
            lap(team, clock.PRODUCT, l + 1, net.sizes[l] * (last - first) * B)
        dropping = l + 1 < len(net.W_at) and net.dropout[l + 1] > 0
        units = max(1, PIECE // B)
        for o in range(first, last, units):
            if peek(team.stop):
                break
            end = min(o + units, last)
            activate(net.activation[l], work.x, work.delta, z.at + o * B, z.at + end * B)
            lap(team, clock.ACTIVATION, l + 1, 0)
            if dropping:
                drop(z, slope, o, end, net.dropout[l + 1], masks, l + 1)
                lap(team, clock.DROPOUT, l + 1, 0)
        barrier(team)


@kernel
def first_products(net, work, w, B, team):
    """Compute this thread's share of the first layer: of the first part, plus biases, in x[1]; of the second in the slopes of x[1]."""
    x, I, O, parts = features(work.x, work, 0, team, B), net.sizes[0], net.sizes[1], parts_of(0, net.sizes[0])
    W, b = weights_of(net, w, 0), biases_of(net, w, 0)
    first, last = parts_needed(I, team)
    for part in range(first, last):
        i, end = inputs_of(part, 0, I)
        active, bits, here = work.active[team.thread, part], work.bits[team.thread, part], from_row(x, i)
        count, nonzero = find_active(active, bits, here, end - i, team.stop)
        work.found[team.thread, 2 * part], work.found[team.thread, 2 * part + 1] = count, nonzero
        lap(team, clock.ZEROS, 1, 0)
        inputs = Span(active, 0, count) if count < NEARLY_ALL * (end - i) else Span(work.every, 0, end - i)
        z = features(work.x if part == 0 else work.delta, work, 1, team, B)
        begin, units = b if part == 0 else Block(b.data, 0, 1, 1, 0), share_of_part(O, MR, part, parts, team)
        if units[0] < units[1]:
            affine(z, from_row(W, i), begin, here, inputs, Span(work.every, units[0], units[1]), scratch_of(work, team), team.stop)
            lap(team, clock.PRODUCT, 1, (inputs.last - inputs.first) * (units[1] - units[0]) * B)


@kernel
def add(z, more, first, last):
    """Add more[o] to z[o] for o in [first, last). z, more : blocks."""
    for place in range(first * z.row, last * z.row, width(z.data)):
        store(z.data, z.at + place, load(z.data, z.at + place) + load(more.data, more.at + place))


@kernel
def score(net, work, loss, B, team):
    """Compute the losses and hits of a batch, and the delta of the output. The function ends with a barrier."""
    L = len(net.W_at)
    first, last = share(B, width(work.x), team)
    z, delta = features(work.x, work, L, team, B), features(work.delta, work, L, team, B)
    if not peek(team.stop):
        losses_and_deltas(loss, delta, z, work.targets, work.scores, net.sizes[L], first, last)
        mark_hits(loss.code, z, work.targets, work.scores, net.sizes[L], first, last)
    lap(team, clock.LOSS, L, 0)
    barrier(team)


@kernel
def backward(net, work, w, B, scale, team):
    """Compute the delta of every layer from that of the output. The function ends with a barrier.

    The deltas, multiplied by `scale`, are also laid out one sample per row for the update.
    """
    V = width(w)
    units = padded(max(1, PIECE // B), V)
    for l in range(len(net.W_at) - 1, -1, -1):
        I, O = net.sizes[l], net.sizes[l + 1]
        above = features(work.delta, work, l + 1, team, B)
        if not is_narrow(I, O):
            first, last = share(O, V, team)
            for o in range(first, last, units):
                if peek(team.stop):
                    break
                by_sample(delta_rows(net, work, l, B), above, Span(work.every, o, min(o + units, last)), scale)
            lap(team, clock.LAYOUT, l + 1, 0)
        if l > 0:
            first, last = share(I, MR, team)
            delta, inputs, outputs = features(work.delta, work, l, team, B), Span(work.every, first, last), Span(work.every, 0, O)
            backproject(delta, weights_of(net, w, l), above, inputs, outputs, scratch_of(work, team), team.stop)
            lap(team, clock.DELTA, l, (last - first) * O * B)
        barrier(team)


@kernel
def gradient_into(how, g, net, work, B, scale, skipping, team):
    """Compute this thread's rows of dloss/dW and its part of dloss/db, times `scale`, and assign them to g or add them to g.

    scale : as given to `backward`. skipping : whether to leave out inputs that are zero in the whole batch, whose rows then stay unchanged;
    the threads share the other inputs. If many elements of those are zero too, each tile of rows sums only over the samples for which it
    has a non-zero input.
    """
    for l in range(len(net.W_at)):
        I, O, parts = net.sizes[l], net.sizes[l + 1], parts_of(l, net.sizes[l])
        x, delta, W = features(work.x, work, l, team, B), features(work.delta, work, l + 1, team, B), weights_of(net, g, l)
        for part in range(parts):
            i, end = inputs_of(part, l, I)
            rows, count, listed = work.every, end - i, False
            if l == 0:
                active, nonzero = work.found[team.thread, 2 * part], work.found[team.thread, 2 * part + 1]
                listed = nonzero < LISTED * active * B
                if skipping:
                    rows, count = work.active[team.thread, part], active
            first, last = share_of_part(count, MR, part, parts, team)
            if peek(team.stop):
                return
            if first == last:
                continue
            inputs, here, place = Span(rows, first, last), from_row(x, i), from_row(W, i)
            if is_narrow(I, O):
                outer_narrow(how, place, here, delta, inputs, scale)
                lap(team, clock.UPDATE, l + 1, (last - first) * O * B)
            else:
                samples = in_every_tile(Span(work.every, 0, B))
                if listed:
                    find_used(work.used[part], work.used_counts[part], work.bits[team.thread, part], inputs, B)
                    samples = Terms(work.used[part], work.used_counts[part], list_step(B), 0, 0)
                    lap(team, clock.ZEROS, 1, 0)
                outer(how, place, here, delta_rows(net, work, l, B), inputs, samples, team.stop)
                lap_of_tiles(team, l + 1, inputs, samples, O)
        if net.b_at[l] >= 0:
            first, last = share(O, MR, team)
            sum_rows(how, biases_of(net, g, l), delta, first, last, scale)
            lap(team, clock.BIASES, l + 1, 0)


@kernel
def descend(net, state, rule, l2, step, clipping, team):
    """Update this thread's rows of the weights and its biases by the gradient times `clipping`. Only weights are penalised and decayed."""
    if peek(team.stop):
        return
    rate, epsilon = step.rate, rule.epsilon
    if rule.code >= ADAM:  # computing the powers in every step makes the bits independent of how epochs are grouped into calls
        remembered = step.number - rule.begun
        root = np.sqrt(1 - rule.beta2**remembered)
        rate, epsilon = rate * root / (1 - rule.beta1**remembered), epsilon * root if rule.code == ADAM else epsilon
    number = state.w.dtype.type
    beta1, beta2, decay = number(rule.beta1), number(rule.beta2), number(step.rate * rule.decay)
    rate, epsilon, clipping, zero = number(rate), number(epsilon), number(clipping), number(0)
    of_weights = Update(rule.code, rate, decay, number(l2), beta1, beta2, epsilon, clipping)
    of_biases = Update(rule.code, rate, zero, zero, beta1, beta2, epsilon, clipping)
    for l in range(len(net.W_at)):
        I, O, parts = net.sizes[l], net.sizes[l + 1], parts_of(l, net.sizes[l])
        for part in range(parts):
            i, end = inputs_of(part, l, I)
            first, last = share_of_part(end - i, MR, part, parts, team)
            update(state, net.W_at[l] + (i + first) * O, net.W_at[l] + (i + last) * O, of_weights)
        if net.b_at[l] >= 0:
            first, last = share(O, MR, team)
            update(state, net.b_at[l] + first, net.b_at[l] + last, of_biases)
        lap(team, clock.OPTIMIZER, l + 1, 0)


@kernel
def gradient_length(net, state, l2):
    """Return the Euclidean norm of the gradient with its penalty, l2 W, summed in float64 in a fixed order."""
    total = 0.0
    for l in range(len(net.W_at)):
        count = net.sizes[l] * net.sizes[l + 1]
        g, w = state.g[net.W_at[l] :][:count], state.w[net.W_at[l] :][:count]
        for i in range(len(g)):
            slope = np.float64(g[i]) + l2 * np.float64(w[i])
            total += slope * slope
        if net.b_at[l] >= 0:
            of_biases = state.g[net.b_at[l] :][: net.sizes[l + 1]]
            for o in range(len(of_biases)):
                total += np.float64(of_biases[o]) * np.float64(of_biases[o])
    return np.sqrt(total)


@kernel(inline="always")
def is_plain(rule):
    """Return whether the rule only adds a multiple of the gradient to the parameters, so that the gradient needs no memory of its own."""
    return rule.code == SGD and rule.l2 == 0 and rule.alpha == 0 and rule.decay == 0 and rule.clip == 0


@kernel
def train_step(net, work, state, data, batch, step, plan, team):
    """Update the parameters from a batch, taking as many samples at a time as the scratch memory holds.

    The function ends with a barrier. If the team is stopped before the update, it returns False and leaves the parameters unchanged.
    """
    rule, lanes = plan.rule, work.scores.weight.size
    at_once = padded((batch.size - 1) // ((batch.size + lanes - 1) // lanes) + 1, width(work.x))
    direct = batch.size <= lanes and is_plain(rule)
    loss_before = step.sums[0]
    if team.thread == 0:
        total = weight_of(data, batch)
        work.shared[0] = 1 / total if total > 0 else 0.0
        tally_penalty(step.sums, net, state.w, rule.alpha * work.shared[0], batch.size)
    lap(team, clock.BOOKKEEPING, 0, 0)
    for at in range(0, batch.size, at_once):
        count = min(at_once, batch.size - at)
        part = Batch(batch.order, batch.at + at, count, padded(count, width(work.x)))
        load_samples(net, work, data, part, team)
        if team.thread == 0:
            work.shared[1] = peek(team.stop)
        barrier(team)
        if work.shared[1] != 0 or peek(team.stop) == ABANDONED:
            return False
        scale = state.w.dtype.type(-step.rate * work.shared[0] if direct else work.shared[0])
        forward(net, work, state.w, part.B, Masks(step.key, at), team)
        score(net, work, plan.loss, part.B, team)
        if team.thread == 0:
            tally(step.sums, work.scores, count)
            lap(team, clock.BOOKKEEPING, 0, 0)
        backward(net, work, state.w, part.B, scale, team)
        how, place = ADD if direct or at > 0 else ASSIGN, state.w if direct else state.g
        gradient_into(how, place, net, work, part.B, scale, direct, team)
    if team.thread == 0:
        step.sums[3] += batch.size * work.shared[0] * (step.sums[0] - loss_before)
    if not direct and rule.code != GRADIENT_ONLY:
        clipping, l2 = 1.0, rule.l2 + rule.alpha * work.shared[0]
        if rule.clip > 0:
            barrier(team)  # the norm needs the gradients of all threads
            length = gradient_length(net, state, l2)
            clipping = min(1.0, rule.clip / length) if length > 0 else 1.0
            lap(team, clock.CLIPPING, 0, 0)
            barrier(team)  # the penalty needs the old weights, so no thread changes them before all norms are computed
        descend(net, state, rule, l2, step, clipping, team)
    barrier(team)
    return True


@kernel
def tally(sums, scores, count):
    """Add the losses, weights and hits of the first `count` samples to `sums`."""
    loss, weight, hit = scores.loss[:count], scores.weight[:count], scores.hit[:count]
    losses = weights = hits = 0.0
    for n in range(count):
        losses += loss[n]
        weights += weight[n]
        hits += hit[n]
    sums[0] += losses
    sums[1] += weights
    sums[2] += hits


@kernel
def tally_penalty(sums, net, w, l2, count):
    """Add l2 / 2 * |W|^2, the penalty of a batch, once for each of its `count` samples."""
    if l2 == 0:
        return
    squares = 0.0
    for l in range(len(net.W_at)):
        W = w[net.W_at[l] :][: net.sizes[l] * net.sizes[l + 1]]
        for i in range(len(W)):
            squares += np.float64(W[i]) * np.float64(W[i])
    sums[4] += 0.5 * l2 * squares * count
