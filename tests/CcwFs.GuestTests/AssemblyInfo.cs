// A guest takes a processor of its own: two at once make the time limits guesses.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
