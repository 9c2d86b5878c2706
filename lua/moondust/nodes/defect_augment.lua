--- DefectAugment (gunpowder defect_augment.py): what goes wrong with sections: missing ones, faint ones, dirt, folds.
---
--- One draw a section along `axis` decides. For folds the node asks upstream for deformation_strength voxels more around each
--- section, which move towards a line across it.
local error = require("moondust.error").raise
local core = require "moondust.core"
local classes = require "moondust.class"
local spatial = require "moondust.nodes.spatial_array"
local BatchFilter = require "moondust.filter"
local BatchRequest = require "moondust.request"

---@class moondust.DefectAugment : moondust.BatchFilter
local DefectAugment = classes.class("DefectAugment", BatchFilter)
DefectAugment.look_ahead = "dependencies"

DefectAugment.options = {
  { "intensities", type = "array_key", required = true, doc = "the intensity array" },
  { "prob_missing", type = "probability", default = 0.05, doc = "probability that a section is 0" },
  { "prob_low_contrast", type = "probability", default = 0.05, doc = "probability that a section has little contrast" },
  { "prob_artifact", type = "probability", default = 0, doc = "probability that an artifact is blended into a section" },
  { "prob_deform", type = "probability", default = 0, doc = "probability that a section has a fold; the probabilities sum to 1 at most" },
  { "contrast_scale", type = "number", default = 0.1, doc = "what is left of the contrast of a section that has little" },
  { "artifact_source", type = "any", doc = "a node or pipeline that delivers artifacts; needed when prob_artifact > 0" },
  { "artifacts", type = "array_key", doc = "its key of the artifacts' intensities" },
  { "artifacts_mask", type = "array_key", doc = "its key of their opacity, floats from 0 to 1" },
  { "deformation_strength", type = "integer", default = 20, doc = "how far a fold moves the tissue on either side, voxels" },
  { "axis", type = "integer", default = 1, doc = "spatial axis, counted from 1, along which sections lie" },
  { "p", type = "probability", default = 1, doc = "probability that a batch is changed" },
}

local FOLD_WIDTH = 10 -- voxels on each side of a fold's line that are hidden

local function misuse(format, ...) error("DefectAugment: " .. format:format(...), 4) end

function DefectAugment:init()
  if self.artifact_source then self.look_ahead = false end -- anything may be in there
  local sum = self.prob_missing + self.prob_low_contrast + self.prob_artifact + self.prob_deform
  if sum > 1 + 1e-12 then misuse("the probabilities sum to %g, more than 1", sum) end
  if self.axis < 1 then misuse("'axis' is %d; spatial axes are counted from 1", self.axis) end
  if self.deformation_strength < 0 then misuse("'deformation_strength' must not be negative, it is %d", self.deformation_strength) end
  if self.prob_artifact > 0 then
    for _, name in ipairs { "artifact_source", "artifacts", "artifacts_mask" } do
      if not self[name] then misuse("'%s' is missing: prob_artifact is %g", name, self.prob_artifact) end
    end
  end
  if self.artifact_source and not (type(self.artifact_source) == "table" and self.artifact_source.build) then
    misuse("'artifact_source' must be a node or a pipeline, not a %s", type(self.artifact_source))
  end
end

function DefectAugment:check_artifacts(voxel_size)
  local spec = self.artifact_pipeline.spec
  for _, name in ipairs { self.artifacts, self.artifacts_mask } do
    if not spec[name] then self:fail({ key = name }, "%s is not provided by artifact_source (there is %s)", name, spec:names()) end
    if spec[name].voxel_size ~= voxel_size then
      self:fail({ key = name }, "%s has voxel size %s, %s has %s; they must be the same", name, spec[name].voxel_size, self.intensities, voxel_size)
    end
  end
end

function DefectAugment:setup()
  self:enable_autoskip()
  local spec = spatial(self, self.intensities)
  local dims = spec.voxel_size.dims
  if self.axis > dims then self:fail({ key = self.intensities }, "axis is %d, %s has %d spatial axes", self.axis, self.intensities, dims) end
  if self.prob_deform > 0 and dims ~= 3 then
    self:fail({ key = self.intensities }, "folds run across sections of 3-d arrays, %s has %d spatial axes; set prob_deform = 0", self.intensities, dims)
  end
  self:updates(self.intensities, spec)
  if self.artifact_source then
    self.artifact_pipeline = self.artifact_source:build()
    self:check_artifacts(spec.voxel_size)
  end
end

function DefectAugment:teardown()
  local pipeline = self.artifact_pipeline
  self.artifact_pipeline = nil
  if pipeline then pipeline:close() end
end

-- ------------------------------------------------------------------------------------------------ draws

function DefectAugment:skip_node(request) return request.rng:exceeds(self.p) end

-- A line across a section of `voxels` (without `axis`) and its context, as arguments for kernel.fold.
function DefectAugment:draw_fold(rng, voxels)
  local shape = {}
  for d, length in ipairs(voxels) do
    if d ~= self.axis then shape[#shape + 1] = length + 2 * self.deformation_strength end
  end
  local rows = rng:random() < 0.5
  local across = rows and shape[2] or shape[1]
  if across < 4 then
    self:fail({ key = self.intensities }, "sections of %dx%d voxels are too small for a fold; ask for more or set prob_deform = 0", shape[1], shape[2])
  end
  local from, to = rng:np_randint(1, across - 2), rng:np_randint(1, across - 2)
  if rows then return { { 0, from }, { shape[1] - 1, to }, "rows" } end
  return { { from, 0 }, { to, shape[2] - 1 }, "columns" }
end

function DefectAugment:draw(rng, voxels)
  local missing = self.prob_missing
  local faint = missing + self.prob_low_contrast
  local dirty = faint + self.prob_artifact
  local folded = dirty + self.prob_deform
  local defects = {}
  for section = 1, voxels[self.axis] do
    local r = rng:random()
    if r < missing then defects[section] = { "missing" }
    elseif r < faint then defects[section] = { "low_contrast" }
    elseif r < dirty then defects[section] = { "artifact" }
    elseif r < folded then
      defects[section] = { "fold", self:draw_fold(rng, voxels) }
      self.folds = true
    end
  end
  return defects
end

function DefectAugment:prepare(request)
  local dependencies, spec = BatchRequest {}, request[self.intensities]:copy()
  local voxel_size = self.spec[self.intensities].voxel_size
  self.folds = false
  self.defects = self:draw(request.rng, (spec.roi.shape / voxel_size):totable())
  if self.folds then
    local growth = (voxel_size * self.deformation_strength):totable()
    growth[self.axis] = 0
    spec.roi = spec.roi:grow(growth)
  end
  dependencies[self.intensities] = spec
  return dependencies
end

-- ------------------------------------------------------------------------------------------------ defects

-- Floats as they are, integers rounded.
local function stored(data, dtype) return data.dtype == dtype and data or core.kernel.scale_shift(data, 1, 0, dtype) end

local makers = {}

function makers.missing(_, section) return core.zeros(section.shape, section.dtype) end

local function faint(section, scale) return core.kernel.scale_shift(section, scale, section:mean() * (1 - scale)) end

-- Each channel has a mean of its own.
function makers.low_contrast(self, section)
  local shape, dims = section.shape, self.spec[self.intensities].voxel_size.dims
  if #shape == dims then return faint(section, self.contrast_scale) end
  local parts, flat = {}, section:reshape { -1, table.unpack(shape, #shape - dims + 1) }
  for channel = 1, flat.shape[1] do parts[channel] = faint(flat:slice(1, channel, channel), self.contrast_scale) end
  return core.concatenate(parts, 1):reshape(shape)
end

-- An artifact for section `number`, from a seed of its own: it draws nothing from the request's streams.
function DefectAugment:request_artifact(request, number, roi)
  local voxel_size = self.spec[self.intensities].voxel_size
  local shape = roi.shape:totable()
  shape[self.axis] = voxel_size[self.axis]
  local wanted = BatchRequest { random_seed = core.seed_attempt(request.random_seed, number) }
  wanted:add(self.artifacts, shape, { voxel_size = voxel_size })
  wanted:add(self.artifacts_mask, shape, { voxel_size = voxel_size })
  -- Where places of artifacts come in turn, sections of all batches go through them.
  local sections = request[self.intensities].roi.shape[self.axis] // voxel_size[self.axis]
  return self.artifact_pipeline:request_batch(wanted, { first = (request.turn or 0) * sections + number - 1 })
end

function makers.artifact(self, section, _, request, number)
  local batch <close> = self:request_artifact(request, number, request[self.intensities].roi)
  local opacity, artifact = batch[self.artifacts_mask].data, batch[self.artifacts].data
  local low, high = opacity:minmax()
  if not opacity.dtype:find "^float" or low < 0 or high > 1 then
    self:fail({ key = self.artifacts_mask }, "%s is %s from %g to %g, an opacity must be floats from 0 to 1", self.artifacts_mask, opacity.dtype, low, high)
  end
  return stored(section * (1 - opacity) + artifact * opacity, section.dtype)
end

function makers.fold(self, _, wide, _, _, line)
  local axis = wide.ndim - 3 + self.axis
  local interpolate = self.spec[self.intensities].interpolatable == true
  local flat = wide:drop_axis(axis)
  return core.kernel.fold(flat, line[1], line[2], line[3], self.deformation_strength, FOLD_WIDTH, interpolate):add_axis(axis)
end

function DefectAugment:process(batch, request)
  local array, wanted = batch[self.intensities], request[self.intensities].roi
  if not next(self.defects) or array.data.size == 0 then return end
  local wide = array.data
  local made, axis = array:crop(wanted).data:copy(), wide.ndim - wanted.dims + self.axis
  for number = 1, made.shape[axis] do
    local defect = self.defects[number]
    if defect then
      local index = {}
      for a = 1, made.ndim do index[a] = a == axis and { number, number } or {} end
      made[index] = makers[defect[1]](self, made[index], wide:slice(axis, number, number), request, number, defect[2])
    end
  end
  array.data, array.spec.roi = made, wanted
end

return DefectAugment
