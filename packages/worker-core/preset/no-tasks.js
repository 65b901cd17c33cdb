// A task list without tasks, for graphile-worker's CLI, which insists on one; see `workerPreset`.
export default {};
