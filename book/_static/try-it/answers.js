// What the network's outputs mean, as agelib reads them: agelib/targets, agelib/metrics/posteriors.py, intervals.py.
window.TryIt = window.TryIt || {};

(function (page) {
  function softmax(values) {
    const most = Math.max(...values);
    const shares = Array.from(values, (value) => Math.exp(value - most));
    const sum = shares.reduce((total, share) => total + share, 0);
    return shares.map((share) => share / sum);
  }

  function mean(posterior, ages) {
    return posterior.reduce((sum, share, place) => sum + share * ages[place], 0);
  }

  // The youngest age up to which the shares sum to a half; a sum of rounded numbers may be just below it.
  function median(posterior, ages) {
    let sum = 0;
    const place = posterior.findIndex((share) => (sum += share) >= 0.5 - 1e-6);
    return ages[place < 0 ? ages.length - 1 : place];
  }

  const ESTIMATES = { mean, median };

  // The age below which the posterior has a share; each age stands for all that are nearer to it than to the next.
  function quantile(posterior, ages, share) {
    let below = 0;
    for (let place = 0; place < ages.length; place++) {
      const reached = below + posterior[place];
      if (reached >= share - 1e-12 || place === ages.length - 1) {
        const first = place ? (ages[place - 1] + ages[place]) / 2 : ages[0] - (ages[1] - ages[0]) / 2;
        const last = place < ages.length - 1
          ? (ages[place] + ages[place + 1]) / 2
          : ages[place] + (ages[place] - ages[place - 1]) / 2;
        const inside = Math.min(Math.max((share - below) / Math.max(posterior[place], 1e-300), 0), 1);
        return first + inside * (last - first);
      }
      below = reached;
    }
  }

  // The posterior's quantiles, moved by the margin that the validation pictures asked for; the age is never outside.
  function interval(posterior, ages, age, level, margin) {
    if (margin === null) return null;
    const tail = (1 - level) / 2;
    let low = quantile(posterior, ages, tail) - margin;
    let high = quantile(posterior, ages, 1 - tail) + margin;
    if (low > high) low = high = (low + high) / 2;
    return [Math.max(Math.min(low, age), 0), Math.max(high, age)];
  }

  function most(shares) {
    return shares.indexOf(Math.max(...shares));
  }

  // The posterior's mean, which moves with every change of the outputs: what the heat map explains.
  page.meanAge = function (outputs, model) {
    const { first, number, ages } = model.outputs.find((part) => part.task === "age");
    return mean(softmax(outputs.slice(first, first + number)), ages);
  };

  // outputs: the numbers of one picture. Gives age, posterior, intervals by level, and shares of groups and classes.
  page.read = function (outputs, model) {
    const tasks = {};
    let answer = null;
    for (const { task, first, number, ages, classes } of model.outputs) {
      const shares = softmax(outputs.slice(first, first + number));
      if (task !== "age") {
        tasks[task] = { names: classes, shares, chosen: classes[most(shares)] };
        continue;
      }
      const age = ESTIMATES[model.estimate](shares, ages);
      const { names, codes, of_age } = model.age_groups;
      const groups = names.map(() => 0);
      shares.forEach((share, place) => { groups[codes[place]] += share; });
      tasks.age_group = { names, shares: groups, chosen: names[of_age ? codes[ages.indexOf(age)] : most(groups)] };
      const intervals = {};
      for (const [level, margin] of Object.entries(model.margins)) {
        intervals[level] = interval(shares, ages, age, Number(level), margin);
      }
      answer = { age, mean: mean(shares, ages), ages, posterior: shares, intervals };
    }
    return { ...answer, tasks };
  };
})(window.TryIt);
