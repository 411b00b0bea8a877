import { describe, expect, test } from 'vitest'
import type { Facts } from '../device.ts'
import { DomainError } from '../errors.ts'
import { dice, type Pick } from '../random.test-helper.ts'
import { refusal } from '../refusal.test-helper.ts'
import { STANDARD_SETTINGS } from '../settings.ts'
import { MAX_ATTEMPTS } from './choose.ts'
import { Fleet } from './example-fleet.test-helper.ts'
import { installed, NOON, release } from './examples.test-helper.ts'
import { isNothing } from './snapshot.ts'
import { hear, visit } from './visit.ts'

const F1 = release('F@1.0.0')
const F2 = release('F@2.0.0')
const F3 = release('F@3.0.0')
const S1 = release('S@1.0.0', { type: 'software' })
/** Made for no profile, and never fit for what the device runs. */
const byHand = release('F@0.1-debug', { profileId: null, requirement: '>= 99.0.0' })
const needsTwo = release('F@3.0.0', { requirement: '~> 2.0' })

/** What a device of that kind says on its way from one release to the next. */
const WAYS = {
  pythonMqtt: ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'],
  pythonHttp: ['DOWNLOADING', 'VERIFIED', 'UPDATING', 'UPDATING'],
  arduino: ['DOWNLOADING', 'DOWNLOADED', 'UPDATING'],
  silent: [],
}

/** D1, running F@1.0.0 while F@2.0.0 is assigned to its profile; told of it unless `told` is false. */
function begun(...reports: string[]): Fleet {
  const fleet = new Fleet()
  fleet.add('D1', 'F@1.0.0')
  fleet.assign(F2)
  fleet.checkIn('D1')
  for (const words of reports) fleet.report('D1', words)
  return fleet
}

/** Lets the device fail until nothing more is begun; answers how often it did. */
function failOn(fleet: Fleet): number {
  for (let failures = 0; failures < 100; failures += 1) {
    fleet.pass(24 * 60)
    fleet.checkIn('D1')
    if (!fleet.underWay('D1')) return failures
    fleet.report('D1', 'DOWNLOADING')
    fleet.report('D1', 'FAILED', { error: 'Bad block.' })
  }
  throw new Error('It never stops.')
}

/** Stories, told by what is asserted of them; all of them are rendered to be read as well. */
const STORIES: Record<string, () => Fleet> = {
  'F1 to the profile updates both, F2 to D1 updates D1 alone, F3 to the profile updates D2 alone'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@0.9.0')
    fleet.add('D2', 'F@0.9.0')
    const arrive = (name: string, target: string) => {
      fleet.checkIn(name)
      for (const words of WAYS.pythonMqtt) fleet.report(name, words)
      fleet.report(name, `UPDATED ${target}`)
    }
    fleet.assign(F1)
    arrive('D1', 'F@1.0.0')
    arrive('D2', 'F@1.0.0')
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@1.0.0'))
    expect(fleet.device('D2').installed.firmware).toEqual(installed('F@1.0.0'))
    fleet.assign(F2, 'D1')
    expect(fleet.underWay('D2')).toBeNull()
    arrive('D1', 'F@2.0.0')
    expect(fleet.checkIn('D2').firmware?.choice.because.code).toBe('nothing.already-installed')
    fleet.assign(F3)
    expect(fleet.underWay('D1')).toBeNull()
    arrive('D2', 'F@3.0.0')
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.already-installed')
    expect(fleet.history('D1')).toEqual(['F@1.0.0 UPDATED', 'F@2.0.0 UPDATED'])
    expect(fleet.history('D2')).toEqual(['F@1.0.0 UPDATED', 'F@3.0.0 UPDATED'])
    return fleet
  },

  'a device added later gets what its profile is assigned'() {
    const fleet = new Fleet()
    fleet.assign(F1)
    fleet.add('D1')
    expect(fleet.underWay('D1')?.state).toBe('QUEUED')
    return fleet
  },

  'a queued update is superseded by the next assignment'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.assign(F2)
    fleet.assign(F3)
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@3.0.0 QUEUED'])
    expect(fleet.operations[0]?.because.code).toBe('superseded.release')
    return fleet
  },

  'an update the device was told of is superseded too'() {
    const fleet = begun()
    fleet.assign(F3)
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@3.0.0 QUEUED'])
    return fleet
  },

  'what is downloading goes on, and the newer is queued at once after its end'() {
    const fleet = begun('DOWNLOADING')
    fleet.assign(F3)
    expect(fleet.history('D1')).toEqual(['F@2.0.0 DOWNLOADING'])
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED', 'F@3.0.0 QUEUED'])
    return fleet
  },

  'the newer is queued at once when what was downloading fails'() {
    const fleet = begun('DOWNLOADING')
    fleet.assign(F3)
    fleet.report('D1', 'FAILED', { error: 'Bad block.' })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED', 'F@3.0.0 QUEUED'])
    return fleet
  },

  'the newer is queued at once when an operator cancels what was downloading'() {
    const fleet = begun('DOWNLOADING')
    fleet.assign(F3)
    fleet.cancel('D1', 'op1')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@3.0.0 QUEUED'])
    return fleet
  },

  'the newer takes over when what was downloading is interrupted'() {
    const fleet = begun('DOWNLOADING')
    fleet.assign(F3)
    fleet.report('D1', 'UPDATED F@1.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@3.0.0 QUEUED'])
    return fleet
  },

  'the newer is queued at once when the facts tell that the older has arrived'() {
    const fleet = begun('UPDATING')
    fleet.assign(F3)
    const { firmware } = fleet.checkIn('D1', 'F@2.0.0')
    expect(firmware?.operation).toMatchObject({ version: '3.0.0', state: 'INITIATED' })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED', 'F@3.0.0 INITIATED'])
    return fleet
  },

  'a withdrawn assignment takes back what was not begun, and only that'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.add('D2', 'F@1.0.0')
    fleet.assign(F2)
    fleet.report('D2', 'DOWNLOADING')
    fleet.withdraw()
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED'])
    expect(fleet.operations[0]?.because.code).toBe('superseded.withdrawn')
    expect(fleet.history('D2')).toEqual(['F@2.0.0 DOWNLOADING'])
    fleet.report('D2', 'UPDATED F@2.0.0')
    expect(fleet.history('D2')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'a withdrawn pin gives the device back to its profile'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.assign(F3)
    fleet.assign(F2, 'D1')
    fleet.withdraw('D1')
    expect(fleet.history('D1')).toEqual(['F@3.0.0 CANCELED', 'F@2.0.0 CANCELED', 'F@3.0.0 QUEUED'])
    return fleet
  },

  'a device that moves to another profile is not given what is made for the old one'() {
    const fleet = begun()
    fleet.move('D1', 'camera')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED'])
    return fleet
  },

  'a device that goes back to an older version loses what must not start from there'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@2.0.0')
    fleet.assign(needsTwo)
    expect(fleet.underWay('D1')?.state).toBe('QUEUED')
    const { firmware } = fleet.checkIn('D1', 'F@1.0.0')
    expect(firmware?.choice.because.code).toBe('nothing.requirement')
    expect(fleet.history('D1')).toEqual(['F@3.0.0 CANCELED'])
    fleet.checkIn('D1', 'F@2.1.0')
    expect(fleet.history('D1')).toEqual(['F@3.0.0 CANCELED', 'F@3.0.0 INITIATED'])
    return fleet
  },

  'two component types are updated side by side'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.assign(F2)
    fleet.assign(S1)
    const answers = fleet.checkIn('D1')
    expect(Object.keys(answers)).toEqual(['firmware', 'software'])
    fleet.report('D1', 'FAILED', { type: 'software' })
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1', 'software')).toEqual(['S@1.0.0 FAILED'])
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'a device that asks of one component is told of that one only'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.assign(F2)
    fleet.assign(S1)
    const { firmware, software } = fleet.checkIn('D1', '', ['firmware'])
    expect([firmware?.isNews, software?.isNews]).toEqual([true, false])
    expect(fleet.checkIn('D1').software?.isNews).toBe(true)
    return fleet
  },

  'a device that fails is tried again after a while, five times in all, then a person must look'() {
    const fleet = begun()
    fleet.report('D1', 'FAILED', { error: 'Bad block.' })
    const backingOff = fleet.checkIn('D1').firmware?.choice
    expect(backingOff).toMatchObject({ kind: 'nothing', because: { code: 'nothing.backing-off' } })
    expect(1 + failOn(fleet)).toBe(MAX_ATTEMPTS)
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.needs-attention')
    fleet.retry('D1', F2)
    fleet.report('D1', 'FAILED', { error: 'Bad block.' })
    expect(failOn(fleet)).toBe(0)
    fleet.assign(F2)
    expect(fleet.underWay('D1')?.state).toBe('QUEUED')
    return fleet
  },

  'an update that does not last is tried again, but not for ever'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.assign(F2)
    let rounds = 0
    for (; rounds < 20; rounds += 1) {
      fleet.pass(24 * 60)
      fleet.checkIn('D1', 'F@1.0.0')
      if (!fleet.underWay('D1')) break
      fleet.report('D1', 'UPDATED F@2.0.0')
    }
    expect(rounds).toBe(MAX_ATTEMPTS)
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.needs-attention')
    return fleet
  },

  'a factory reset brings the desired release back'() {
    const fleet = begun('UPDATED F@2.0.0')
    fleet.pass(24 * 60)
    expect(fleet.checkIn('D1', 'F@1.0.0').firmware?.operation).toMatchObject({ version: '2.0.0' })
    return fleet
  },

  'an operator cancels; nothing more is begun until somebody says so'() {
    const fleet = begun('DOWNLOADING')
    fleet.cancel('D1', 'op1')
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.cancelled')
    fleet.report('D1', 'DOWNLOADED')
    fleet.report('D1', 'DOWNLOADING')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED'])
    fleet.retry('D1', F2)
    expect(fleet.checkIn('D1').firmware?.operation?.state).toBe('INITIATED')
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@2.0.0 UPDATED'])
    return fleet
  },

  'what comes by hand comes before what is assigned, and is not undone by it'() {
    const fleet = begun()
    const made = fleet.byHand('D1', byHand)
    expect(made.origin.code).toBe('operator.manual')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@0.1-debug QUEUED'])
    expect(fleet.operations[0]?.because.code).toBe('superseded.manual')
    expect(fleet.checkIn('D1').firmware?.release).toEqual(byHand)
    fleet.report('D1', 'UPDATED F@0.1-debug')
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.arrived-later')
    fleet.assign(F2)
    expect(fleet.checkIn('D1').firmware?.release).toEqual(F2)
    return fleet
  },

  'a device that tells versions without titles says itself what came by hand'() {
    const runs = (version: string) => ({
      installed: { firmware: { title: null, version } },
      namesNoTitles: true,
    })
    const fleet = begun('UPDATED F@2.0.0')
    fleet.byHand('D1', byHand)
    fleet.report('D1', 'DOWNLOADING', { operationId: 'op2' })
    fleet.checkIn('D1', runs('2.5.0'))
    fleet.report('D1', 'UPDATED', { operationId: 'op2' })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED', 'F@0.1-debug UPDATED'])
    expect(fleet.device('D1').installed.firmware).toEqual({ title: null, version: '2.5.0' })
    fleet.assign(F3)
    fleet.checkIn('D1', runs('2.5.0'))
    fleet.checkIn('D1', runs('3.0.0'))
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@3.0.0'))
    fleet.checkIn('D1', runs('3.0.0'))
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@3.0.0'))
    return fleet
  },

  'nothing that is assigned takes back what comes by hand'() {
    const fleet = begun()
    fleet.byHand('D1', byHand)
    fleet.assign(F3)
    fleet.assign(F2, 'D1')
    fleet.move('D1', 'camera')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@0.1-debug QUEUED'])
    fleet.cancel('D1', 'op2')
    expect(fleet.underWay('D1')).toBeNull()
    return fleet
  },

  'what comes by hand is tried once; after that the device is given what is assigned'() {
    const fleet = begun('UPDATED F@2.0.0')
    fleet.byHand('D1', byHand)
    fleet.report('D1', 'FAILED', { error: 'Bad signature.' })
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.already-installed')
    expect(fleet.checkIn('D1', 'F@1.0.0').firmware?.release).toEqual(F2)
    return fleet
  },

  'of two brought by hand the later one counts, until the device has begun'() {
    const fleet = begun()
    fleet.byHand('D1', byHand)
    fleet.byHand('D1', F3)
    expect(fleet.history('D1').slice(1)).toEqual(['F@0.1-debug CANCELED', 'F@3.0.0 QUEUED'])
    fleet.report('D1', 'DOWNLOADING')
    expect(refusal(() => fleet.byHand('D1', byHand))).toBe('operation.under-way')
    expect(fleet.underWay('D1')?.version).toBe('3.0.0')
    return fleet
  },

  'what comes by hand for one component leaves the others alone'() {
    const fleet = begun('DOWNLOADING')
    fleet.byHand('D1', release('S@0.1-debug', { type: 'software', profileId: null }))
    expect(fleet.history('D1')).toEqual(['F@2.0.0 DOWNLOADING'])
    expect(fleet.history('D1', 'software')).toEqual(['S@0.1-debug QUEUED'])
    return fleet
  },

  'ThingsBoard, Python over MQTT'() {
    const fleet = new Fleet()
    fleet.add('D1')
    fleet.assign(F2)
    fleet.checkIn('D1', 'Initial@v0')
    for (const words of WAYS.pythonMqtt) fleet.report('D1', words)
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'ThingsBoard, Python over HTTP: DOWNLOADED never comes, UPDATING comes twice'() {
    const fleet = new Fleet()
    fleet.add('D1')
    fleet.assign(F2)
    fleet.checkIn('D1')
    for (const words of WAYS.pythonHttp) fleet.report('D1', words)
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'ThingsBoard, Arduino: after the restart it tells its version, then UPDATED'() {
    const fleet = begun()
    for (const words of WAYS.arduino) fleet.report('D1', words)
    fleet.checkIn('D1', 'F@2.0.0')
    expect(fleet.report('D1', 'UPDATED')?.outcome).toBe('repeated')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'ThingsBoard, Arduino: UPDATED at every start, with the old version, before it begins'() {
    const fleet = begun('UPDATED F@1.0.0', 'UPDATED')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 INITIATED'])
    return fleet
  },

  'ThingsBoard, Arduino: UPDATED with the old version after it began to install'() {
    const fleet = begun(...WAYS.arduino)
    fleet.checkIn('D1', 'F@1.0.0')
    fleet.report('D1', 'UPDATED')
    expect(fleet.underWay('D1')).toMatchObject({ state: 'QUEUED', restarts: 1 })
    return fleet
  },

  'ThingsBoard, UPDATED and the version it runs in two messages, the word first'() {
    const fleet = begun('DOWNLOADING', 'UPDATING', 'UPDATED')
    fleet.checkIn('D1', 'F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'ThingsBoard, UPDATED with the old version in the same message after it began to install'() {
    const fleet = begun('DOWNLOADING', 'UPDATING', 'UPDATED F@1.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED'])
    expect(fleet.operations[0]?.because.code).toBe('device.rolled-back')
    return fleet
  },

  'ThingsBoard, interrupted in mid-download and back with the old version'() {
    const fleet = begun('DOWNLOADING', 'UPDATED F@1.0.0')
    expect(fleet.underWay('D1')).toMatchObject({ state: 'QUEUED', restarts: 1 })
    expect(fleet.checkIn('D1').firmware?.isNews).toBe(true)
    expect(fleet.checkIn('D1').firmware?.isNews).toBe(false)
    for (const words of WAYS.arduino) fleet.report('D1', words)
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'ThingsBoard, Python: FAILED, then it begins again by itself'() {
    const fleet = begun('DOWNLOADING', 'DOWNLOADED')
    fleet.report('D1', 'FAILED', { error: 'Checksum verification failed!' })
    fleet.report('D1', 'DOWNLOADING')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED', 'F@2.0.0 DOWNLOADING'])
    expect(fleet.underWay('D1')?.origin.code).toBe('device.began-again')
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED', 'F@2.0.0 UPDATED'])
    return fleet
  },

  'ThingsBoard, beginning again by itself for ever is capped'() {
    const fleet = begun()
    for (let round = 0; round <= MAX_ATTEMPTS; round += 1) {
      fleet.report('D1', 'DOWNLOADING')
      fleet.report('D1', 'FAILED')
    }
    expect(fleet.history('D1')).toEqual(Array(MAX_ATTEMPTS).fill('F@2.0.0 FAILED'))
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.needs-attention')
    return fleet
  },

  'a stray report of a device with nothing to do is noted and changes nothing'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    expect(fleet.report('D1', 'UPDATED')).toBeNull()
    expect(fleet.report('D1', 'DOWNLOADING')).toBeNull()
    expect(fleet.history('D1')).toEqual([])
    return fleet
  },

  'what a device says of an update that ended is kept in its history'() {
    const fleet = begun('UPDATED F@2.0.0', 'FAILED', 'DOWNLOADING', 'UPDATED')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    expect(fleet.steps.filter(({ outcome }) => outcome === 'ignored')).toHaveLength(2)
    return fleet
  },

  'a check-in with the old version while it installs means nothing yet'() {
    const fleet = begun('UPDATING')
    fleet.checkIn('D1', 'F@1.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATING'])
    fleet.checkIn('D1', 'F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'facts that come with a report of another component count'() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.assign(F2)
    fleet.assign(S1)
    const facts = { installed: { software: installed('S@1.0.0') } }
    fleet.report('D1', 'DOWNLOADING', { facts })
    expect(fleet.history('D1', 'software')).toEqual(['S@1.0.0 UPDATED'])
    expect(fleet.history('D1')).toEqual(['F@2.0.0 DOWNLOADING'])
    return fleet
  },

  'facts that come with a report and contradict it are believed'() {
    const fleet = begun()
    fleet.report('D1', 'VERIFIED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'with ids, UPDATED without a version means the target'() {
    const fleet = begun()
    fleet.report('D1', 'UPDATED', { operationId: 'op1' })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@2.0.0'))
    return fleet
  },

  'with ids, UPDATED with another version is not believed'() {
    const fleet = begun('UPDATING')
    fleet.report('D1', 'UPDATED', { operationId: 'op1', installed: installed('F@1.0.0') })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED'])
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@1.0.0'))
    return fleet
  },

  'with ids, UPDATED beside facts that tell otherwise is not believed'() {
    const fleet = begun('UPDATING')
    const facts = { installed: { firmware: installed('F@1.0.0') } }
    fleet.report('D1', 'UPDATED', { operationId: 'op1', facts })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED'])
    return fleet
  },

  'with ids, what is left out of the version is the target'() {
    const fleet = begun('UPDATING')
    const half = { title: null, version: '2.0.0' }
    fleet.report('D1', 'UPDATED', { operationId: 'op1', installed: half })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@2.0.0'))
    return fleet
  },

  'with ids, an old success said again does not change what is known to run'() {
    const fleet = begun('UPDATED F@2.0.0')
    fleet.assign(F3)
    fleet.checkIn('D1')
    fleet.report('D1', 'UPDATED', { operationId: 'op2' })
    fleet.report('D1', 'UPDATED', { operationId: 'op1' })
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@3.0.0'))
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED', 'F@3.0.0 UPDATED'])
    return fleet
  },

  'with ids, a late report on a superseded update does not touch the next one'() {
    const fleet = begun()
    fleet.assign(F3)
    fleet.report('D1', 'DOWNLOADING', { operationId: 'op1' })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@3.0.0 QUEUED'])
    fleet.report('D1', 'UPDATED', { operationId: 'op1', installed: installed('F@2.0.0') })
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@2.0.0'))
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@3.0.0 QUEUED'])
    return fleet
  },
  'a device on the line that takes the word and goes silent is told again, then it has failed'() {
    const fleet = begun()
    fleet.patience = { silenceDeadlineSeconds: 3600, maxRetries: 2 }
    fleet.pass(59)
    fleet.watch('D1')
    expect(fleet.underWay('D1')?.state).toBe('INITIATED')
    for (const restarts of [1, 2]) {
      fleet.pass(60)
      fleet.watch('D1')
      expect(fleet.underWay('D1')).toMatchObject({ state: 'QUEUED', restarts })
      fleet.pass(600)
      fleet.watch('D1')
      expect(fleet.underWay('D1')).toMatchObject({ state: 'QUEUED', restarts })
      fleet.checkIn('D1')
    }
    fleet.pass(60)
    fleet.watch('D1')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED'])
    expect(fleet.operations[0]).toMatchObject({
      because: { code: 'device.silent' },
      error: 'The device went silent at INITIATED: no word of F@2.0.0 within 1 h, after 2 retries.',
    })
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.backing-off')
    return fleet
  },

  'a device that is away is waited for, and told again when it comes back'() {
    const fleet = begun('DOWNLOADING')
    fleet.pass(30 * 24 * 60)
    fleet.assign(S1)
    expect(fleet.underWay('D1')).toMatchObject({ state: 'DOWNLOADING', restarts: 0 })
    expect(fleet.checkIn('D1').firmware).toMatchObject({
      isNews: true,
      operation: { state: 'INITIATED', restarts: 1 },
    })
    return fleet
  },

  'a device that rolled back and merely checks in with its old version has failed in the end'() {
    const fleet = begun('DOWNLOADING', 'UPDATING')
    let visits = 0
    while (fleet.underWay('D1') && visits < 100) {
      fleet.pass(20)
      fleet.checkIn('D1', 'F@1.0.0')
      visits += 1
    }
    expect(visits).toBe(18)
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED'])
    expect(fleet.operations[0]?.error).toContain('silent at INITIATED')
    return fleet
  },

  'a device that rolled back and calls once a day has failed after a week'() {
    const fleet = begun('DOWNLOADING', 'UPDATING')
    for (let day = 1; day <= 6; day += 1) {
      fleet.pass(24 * 60)
      fleet.checkIn('D1', 'F@1.0.0')
    }
    expect(fleet.history('D1')).toEqual(['F@2.0.0 FAILED'])
    return fleet
  },

  'a device that fetches piece by piece is not silent, although it reports nothing'() {
    const fleet = begun('DOWNLOADING')
    for (let piece = 0; piece < 20; piece += 1) {
      fleet.pass(59)
      fleet.fetch('D1', F2)
      fleet.watch('D1')
    }
    expect(fleet.underWay('D1')).toMatchObject({ state: 'DOWNLOADING', restarts: 0 })
    return fleet
  },

  'a device that goes on fetching after it was given up need not be told again'() {
    const fleet = begun('DOWNLOADING')
    fleet.pass(60)
    fleet.watch('D1')
    expect(fleet.underWay('D1')?.state).toBe('QUEUED')
    fleet.fetch('D1', F2)
    expect(fleet.underWay('D1')).toMatchObject({ state: 'INITIATED', restarts: 1 })
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'fetching another release is no sign'() {
    const fleet = begun()
    fleet.pass(60)
    fleet.fetch('D1', F3)
    expect(fleet.underWay('D1')).toMatchObject({ state: 'QUEUED', restarts: 1 })
    fleet.fetch('D1', F1)
    expect(fleet.underWay('D1')).toMatchObject({ state: 'QUEUED', restarts: 1 })
    return fleet
  },

  'a device that says the same again and again is not silent'() {
    const fleet = begun('DOWNLOADING')
    for (let time = 0; time < 20; time += 1) {
      fleet.pass(59)
      fleet.report('D1', 'DOWNLOADING')
      fleet.watch('D1')
    }
    expect(fleet.underWay('D1')).toMatchObject({ state: 'DOWNLOADING', restarts: 0 })
    return fleet
  },

  'the last word of a device that was silent for long is still heard'() {
    const fleet = begun('DOWNLOADING')
    fleet.pass(24 * 60)
    fleet.report('D1', 'UPDATED F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'a device that comes back with the target after a long silence has arrived'() {
    const fleet = begun('UPDATING')
    fleet.pass(24 * 60)
    fleet.checkIn('D1', 'F@2.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'something newer takes over when a device goes silent'() {
    const fleet = begun('DOWNLOADING')
    fleet.assign(F3)
    fleet.pass(60)
    fleet.watch('D1')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@3.0.0 QUEUED'])
    return fleet
  },

  'where no deadline is set silence means nothing'() {
    const fleet = begun('DOWNLOADING')
    fleet.patience = { silenceDeadlineSeconds: 0, maxRetries: 2 }
    fleet.pass(24 * 60)
    fleet.watch('D1')
    fleet.checkIn('D1')
    expect(fleet.underWay('D1')).toMatchObject({ state: 'DOWNLOADING', restarts: 0 })
    return fleet
  },
}

describe('a story', () => {
  test.each(Object.entries(STORIES))('%s', (_, tell) => {
    tell()
  })

  test('of each kind, to be read', async () => {
    const told = Object.entries(STORIES).map(([name, tell]) => {
      const lines = tell().log
      return [`# ${name}`, ...lines].join('\n')
    })
    await expect(`${told.join('\n\n')}\n`).toMatchFileSnapshot('visit.stories.txt')
  })
})

test('starting over for ever is capped, and then capped again', () => {
  const fleet = begun()
  for (let round = 0; round < 10 * (STANDARD_SETTINGS.maxRetries + 1); round += 1) {
    fleet.report('D1', 'DOWNLOADING')
    fleet.report('D1', 'DOWNLOADED')
  }
  expect(fleet.history('D1')).toEqual(Array(MAX_ATTEMPTS).fill('F@2.0.0 FAILED'))
})

describe('an operator', () => {
  test('cannot cancel what has ended, nor what is not of this device', () => {
    const fleet = begun('UPDATED F@2.0.0')
    expect(refusal(() => fleet.cancel('D1', 'op1'))).toBe('operation.already-ended')
    expect(refusal(() => fleet.cancel('D1', 'op7'))).toBe('operation.unknown')
  })

  test('can cancel in every state before the end', () => {
    for (const words of ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING']) {
      const fleet = begun(words)
      fleet.cancel('D1', 'op1')
      expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED'])
    }
  })

  test.each([
    ['while another update is under way', () => begun(), F3],
    ['of what the device runs', () => begun('UPDATED F@2.0.0'), F2],
    ['of what must not start from there', () => begun('FAILED'), needsTwo],
    [
      'of a release of another profile',
      () => begun('FAILED'),
      release('F@3.0.0', { profileId: 'camera' }),
    ],
  ])('cannot have another attempt %s', (_, told, target) => {
    const fleet = told()
    expect(refusal(() => fleet.retry('D1', target))).toBe('operation.cannot-retry')
  })

  test('passes over back-off and breaker', () => {
    const fleet = begun('FAILED')
    failOn(fleet)
    expect(fleet.retry('D1', F2)).toMatchObject({
      state: 'QUEUED',
      origin: { code: 'operator.retry', message: 'Tried again by Ada.' },
    })
  })
})

test('each event names who did it: the device what it reports, an operator what she asks for, the server the rest', () => {
  const fleet = new Fleet()
  fleet.add('D1', 'F@1.0.0')
  fleet.assign(F2)
  fleet.checkIn('D1')
  fleet.report('D1', 'DOWNLOADING')
  fleet.assign(F3)
  fleet.cancel('D1', 'op1')
  fleet.assign(F2)
  fleet.checkIn('D1')
  fleet.report('D1', 'FAILED')
  fleet.report('D1', 'DOWNLOADING')
  fleet.report('D1', 'FAILED')
  fleet.retry('D1', F2)
  fleet.withdraw('D1')
  const told = fleet.events.map(
    ({ kind, actor, subject, data }) => `${actor.name}: ${kind} ${subject.name} ${data.state}`,
  )
  expect(told).toEqual([
    'updraft: operation.opened F@2.0.0 QUEUED',
    'updraft: operation.moved F@2.0.0 INITIATED',
    'D1: operation.moved F@2.0.0 DOWNLOADING',
    'Ada: operation.ended F@2.0.0 CANCELED',
    'updraft: operation.opened F@3.0.0 QUEUED',
    'updraft: operation.ended F@3.0.0 CANCELED',
    'updraft: operation.opened F@2.0.0 QUEUED',
    'updraft: operation.moved F@2.0.0 INITIATED',
    'D1: operation.ended F@2.0.0 FAILED',
    'D1: operation.opened F@2.0.0 QUEUED',
    'D1: operation.moved F@2.0.0 DOWNLOADING',
    'D1: operation.ended F@2.0.0 FAILED',
    'Ada: operation.opened F@2.0.0 QUEUED',
  ])
})

describe('what is learned', () => {
  const moment = { now: NOON, newId: () => 'new', patience: STANDARD_SETTINGS }
  const learned = (
    facts: Facts,
    known: Facts = { installed: { firmware: installed('F@1.0.0') } },
  ) => {
    const fleet = new Fleet()
    fleet.add('D1')
    fleet.checkIn('D1', known)
    const { changes } = visit(fleet.snapshot('D1'), { ...moment, facts, tells: true })
    return changes
  }
  const firmware = (title: string | null, version: string | null): Facts => ({
    installed: { firmware: { title, version } },
  })

  test.each<[string, Facts, string | null, string | null]>([
    ['another version', firmware('F', '2.0.0'), 'F', '2.0.0'],
    ['another title', firmware('G', '1.0.0'), 'G', '1.0.0'],
    ['only a version', firmware(null, '2.0.0'), 'F', '2.0.0'],
    ['only a title', firmware('G', null), 'G', '1.0.0'],
  ])('%s: what is not mentioned stays as it was', (_, facts, title, version) => {
    expect(learned(facts).installed).toEqual({ firmware: { title, version } })
  })

  test('only the version that is under way: the device has come to that release, whatever it is called', () => {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.assign(release('G@2.0.0'))
    fleet.checkIn('D1')
    fleet.checkIn('D1', firmware(null, '2.0.0'))
    expect(fleet.history('D1')).toEqual(['G@2.0.0 UPDATED'])
    expect(fleet.device('D1').installed.firmware).toEqual(installed('G@2.0.0'))
  })

  test('only the version it had, which another release has too: it has come to nothing', () => {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0')
    fleet.assign(release('G@1.0.0'))
    fleet.checkIn('D1')
    fleet.checkIn('D1', firmware(null, '1.0.0'))
    expect(fleet.underWay('D1')?.title).toBe('G')
    expect(fleet.device('D1').installed.firmware).toEqual(installed('F@1.0.0'))
  })

  test.each<[string, Facts]>([
    ['the same', firmware('F', '1.0.0')],
    ['nothing', { installed: {} }],
    ['nulls, as some do at their start', firmware(null, null)],
    ['the version alone, which is known', firmware(null, '1.0.0')],
  ])('%s is no news', (_, facts) => {
    expect(isNothing(learned(facts))).toBe(true)
  })

  test('nulls of a component that is not known yet are no news either', () => {
    expect(isNothing(learned(firmware(null, null), { installed: {} }))).toBe(true)
  })

  test.each<[object, object, boolean]>([
    [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1, b: 2 }, { a: 1 }, false],
    [{ a: [1, 2] }, { a: [2, 1] }, false],
    [{ a: [] }, { a: {} }, false],
    [{ a: null }, { a: {} }, false],
    [{ a: '1' }, { a: 1 }, false],
    [{ a: { b: 1 } }, { a: { b: 2 } }, false],
    [{}, {}, true],
    [JSON.parse('{"__proto__":{}}'), { a: 1 }, false],
    [{ a: 1 }, JSON.parse('{"__proto__":{}}'), false],
    [{ toString: 1 }, { a: 1 }, false],
  ])('inventory %o after %o: the same is %s', (before, after, isSame) => {
    const inventory = (value: object) => ({ installed: {}, inventory: value }) as Facts
    expect(learned(inventory(after), inventory(before)).inventory).toEqual(isSame ? null : after)
  })

  test.each(['op1', undefined])(
    'a report that tells the version without being about it (%s)',
    (operationId) => {
      const fleet = begun()
      fleet.report('D1', 'DOWNLOADING', { operationId, installed: installed('F@1.1.0') })
      expect(fleet.device('D1').installed.firmware).toEqual(installed('F@1.1.0'))
    },
  )
})

test('a report with an id nobody knows is refused', () => {
  const fleet = begun()
  expect(refusal(() => fleet.report('D1', 'UPDATED', { operationId: 'op9' }))).toBe(
    'operation.unknown',
  )
})

test('a report is heard for an operation that only its id leads to', () => {
  const fleet = begun('UPDATED F@2.0.0')
  fleet.assign(F3)
  fleet.report('D1', 'UPDATED F@3.0.0')
  const snapshot = fleet.snapshot('D1', 'op1')
  expect(snapshot.addressed?.id).toBe('op1')
  const { heard, changes } = hear(snapshot, {
    now: fleet.now,
    newId: () => 'new',
    patience: fleet.patience,
    address: { operationId: 'op1' },
    report: { state: 'FAILED', error: 'late' },
    facts: { installed: {} },
  })
  expect(heard).toMatchObject({ outcome: 'ignored', because: { code: 'report.after-end' } })
  expect(changes).toMatchObject({ operations: [], steps: [{ operationId: 'op1', error: 'late' }] })
})

describe('at random', () => {
  const WORDS = ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED', 'FAILED'] as const
  const RUNS = ['', '', 'F@1.0.0', 'F@2.0.0', 'F@3.0.0', 'Initial@v0'] as const
  const RELEASES = [F1, F2, F3, needsTwo, S1] as const

  /** What may happen next, each as likely as it stands here. */
  const HAPPENINGS = [
    'visit',
    'visit',
    'report',
    'report',
    'report',
    'report',
    'by id',
    'pass',
  ] as const
  const BY_OPERATOR = ['assign', 'pin', 'withdraw', 'unpin', 'cancel', 'retry', 'move'] as const

  function happen(fleet: Fleet, what: string, pick: Pick): void {
    const name = pick(['D1', 'D2'])
    const runs = pick(RUNS)
    const word = pick(WORDS)
    const operationId = pick(['op0', ...fleet.operations.map(({ id }) => id)])
    const acts: Record<string, () => unknown> = {
      visit: () => fleet.checkIn(name, runs),
      report: () =>
        fleet.report(name, `${word} ${runs}`.trim(), {
          type: pick(['firmware', 'firmware', 'software']),
        }),
      'by id': () =>
        fleet.report(name, word, {
          operationId,
          installed: runs ? installed(runs) : undefined,
        }),
      pass: () => fleet.pass(pick([1, 20, 300, 1000])),
      assign: () => fleet.assign(pick(RELEASES)),
      pin: () => fleet.assign(pick(RELEASES), name),
      withdraw: () => fleet.withdraw(),
      unpin: () => fleet.withdraw(name),
      cancel: () => fleet.cancel(name, operationId),
      retry: () => fleet.retry(name, pick(RELEASES)),
      move: () => fleet.move(name, pick(['gateway', 'gateway', 'camera'])),
    }
    try {
      acts[what]?.()
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
    }
  }

  /** Visits again with nothing new: nothing may change. */
  function expectRest(fleet: Fleet): void {
    for (const name of ['D1', 'D2']) {
      fleet.checkIn(name)
      const again = visit(fleet.snapshot(name), {
        now: fleet.now,
        newId: () => 'none',
        patience: fleet.patience,
        facts: { installed: fleet.device(name).installed },
        tells: true,
        isHere: true,
      })
      expect(isNothing(again.changes), fleet.log.join('\n')).toBe(true)
    }
  }

  test.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'whatever devices and operators do, the rules hold (seed %i)',
    (seed) => {
      const pick = dice(seed)
      const fleet = new Fleet()
      fleet.add('D1', 'F@1.0.0')
      fleet.add('D2')
      for (let turn = 0; turn < 120; turn += 1) {
        const what = turn === 0 ? 'assign' : pick(turn % 10 === 0 ? BY_OPERATOR : HAPPENINGS)
        happen(fleet, what, pick)
        if (turn % 15 === 0) expectRest(fleet)
      }
    },
  )

  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'without an operator no device is asked more than five times (seed %i)',
    (seed) => {
      const pick = dice(1000 + seed)
      const fleet = new Fleet()
      fleet.add('D1', 'F@1.0.0')
      fleet.add('D2')
      fleet.assign(F2)
      for (let turn = 0; turn < 150; turn += 1) happen(fleet, pick(HAPPENINGS), pick)
      for (const name of ['D1', 'D2']) {
        expect(fleet.history(name).length, fleet.log.join('\n')).toBeLessThanOrEqual(MAX_ATTEMPTS)
      }
    },
  )
})
