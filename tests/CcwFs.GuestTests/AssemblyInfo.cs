// A guest takes a processor of its own: as many at once as the smallest machine has, whatever this one has, so that time limits mean the same
// everywhere.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
